import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context, Pool, PoolOptions } from 'forkful';
import { until } from './methods';

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Makes pools that are terminated after each test. */
export function poolsOf(context: Context): (options?: number | PoolOptions) => Pool {
  const pools: Pool[] = [];
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((made) => made.terminate()));
  });
  return (options = 2) => {
    const made = new context.Pool(options);
    pools.push(made);
    return made;
  };
}

/** A file in which tasks note what they do, a line each. */
export class Notes {
  readonly #folder = mkdtempSync(join(tmpdir(), 'forkful-notes-'));
  readonly file = join(this.#folder, 'notes');

  get lines(): string[] {
    return existsSync(this.file) ? readFileSync(this.file, 'utf8').split('\n').slice(0, -1) : [];
  }

  add(line: string): void {
    appendFileSync(this.file, `${line}\n`);
  }

  async hasLines(count: number): Promise<void> {
    await until(() => this.lines.length >= count);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

/** A fresh file of notes in each test. */
export function notesOfEachTest(): { readonly file: string; readonly now: Notes } {
  let notes: Notes;
  beforeEach(() => {
    notes = new Notes();
  });
  afterEach(() => {
    notes.remove();
  });
  return {
    get file() {
      return notes.file;
    },
    get now() {
      return notes;
    },
  };
}
