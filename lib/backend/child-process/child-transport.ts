import { writeSync, writevSync } from 'node:fs';
import { ownFile } from '../../own-files';
import { hubGone } from './gone';
import { Outbox } from './outbox';
import { STREAM } from './streams';
import { Arrivals, type Transport } from './transport';

/**
 * From a child's main thread to the hub in the main process. It writes by itself, at once and without its event loop:
 * what has been written survives this process. What comes is received by a helper thread.
 */
export class ChildTransport extends Arrivals implements Transport {
  readonly #outbox = new Outbox({
    writeBatch: (frames) => {
      writeAll([frames]);
    },
    writeLarge: (head, payload) => {
      writeAll([head, payload]);
    },
    later: (flush) => {
      flush();
    },
  });

  constructor() {
    super(ownFile('backend/child-process/helper-thread.js'), { descriptor: STREAM.helper });
  }

  post(...frame: Parameters<Outbox['post']>): void {
    this.#outbox.post(...frame);
  }

  flush(): void {
    this.#outbox.flush();
  }

  flushSoon(): void {
    this.#outbox.flush();
  }

  flushLate(): void {
    this.#outbox.flush();
  }
}

/** Writes all, also to a descriptor that somebody made non-blocking. */
function writeAll(parts: Uint8Array[]): void {
  let rest = parts;
  while (rest.length > 0) {
    let written: number;
    try {
      const [only] = rest;
      written =
        rest.length === 1 && only !== undefined
          ? writeSync(STREAM.main, only)
          : writevSync(STREAM.main, rest);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EAGAIN') throw hubGone(error);
      Atomics.wait(PAUSE, 0, 0, 1);
      continue;
    }
    rest = behind(rest, written);
  }
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4));

function behind(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes;
  const rest: Uint8Array[] = [];
  for (const part of parts) {
    if (skip < part.length) rest.push(part.subarray(skip));
    skip = Math.max(0, skip - part.length);
  }
  return rest;
}
