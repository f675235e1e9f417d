import { spawnSync, type SpawnSyncReturns } from 'node:child_process';

/** A main program of its own, and what it did. */
export interface Outcome {
  /** What it called `finish` with. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever the program finishes with
  readonly result: any;
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

const PACKAGE = JSON.stringify(require.resolve('forkful'));

/** The text of a main program that sees the library as `F`, and `finish(value)`. */
export function programText(code: string): string {
  return `
    const F = require(${PACKAGE});
    const finish = (value) => console.log('RESULT ' + JSON.stringify(value));
    (async () => { ${code} })();`;
}

export function outcomeOf({ status, signal, stdout, stderr }: SpawnSyncReturns<string>): Outcome {
  const [line, ...more] = stdout.split('\n').filter((one) => one.startsWith('RESULT '));
  // A forked child that went on with what its parent is about would finish too.
  if (more.length > 0) throw new Error(`several results:\n${stdout}\n${stderr}`);
  return {
    status,
    signal,
    stdout,
    stderr,
    result: line === undefined ? undefined : JSON.parse(line.slice(7)),
  };
}

export interface ProgramOptions {
  /** Node's own. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs Node with these arguments. */
export function node(args: readonly string[], { env, cwd }: ProgramOptions = {}): Outcome {
  return outcomeOf(
    spawnSync(process.execPath, args, {
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, ...env },
      maxBuffer: 1 << 26,
      ...(cwd !== undefined && { cwd }),
    }),
  );
}

export function programOf(code: string, options: ProgramOptions = {}): Outcome {
  return node([...(options.args ?? []), '-e', programText(code)], options);
}
