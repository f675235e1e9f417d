import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A program that prints what it found as lines of JSON. */
export interface Program {
  readonly child: ChildProcess;
  /** The next thing it says. */
  says(): Promise<unknown>;
}

/** Starts programs, each a command of one file. */
export class Programs {
  readonly #running: Program[] = [];
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  start(...args: string[]): Program {
    return this.startAs([process.execPath, this.#file, ...args]);
  }

  startAs([file = '', ...args]: readonly string[]): Program {
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const said: string[] = [];
    const listeners: ((line: string) => void)[] = [];
    createInterface(child.stdout!).on('line', (line) => {
      const listener = listeners.shift();
      if (listener === undefined) said.push(line);
      else listener(line);
    });
    const says = async () => {
      const line = said.shift() ?? (await new Promise<string>((resolve) => listeners.push(resolve)));
      return JSON.parse(line) as unknown;
    };
    const program = { child, says };
    this.#running.push(program);
    return program;
  }

  /** What a program says that ends by itself. */
  async run(...args: string[]): Promise<unknown> {
    const one = this.start(...args);
    const said = await one.says();
    await end(one);
    return said;
  }

  async killAll(): Promise<void> {
    for (const one of this.#running.splice(0)) await kill(one);
  }
}

export async function end({ child }: Program): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

export async function kill(one: Program): Promise<void> {
  one.child.kill('SIGKILL');
  await end(one);
}
