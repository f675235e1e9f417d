#!/usr/bin/env node
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { Misuse } from './misuse';
import { version } from './version';

const USAGE = `usage: forkful <command> [options]

  doctor           tells whether everything works here that should, and what to do where it does not
    --json         as JSON
  top [pid]        shows the pools of your programs, or of that one, and what their workers run; q quits
    --interval MS  how often to look: 1000
    --once         one picture, as text; the same if stdout is no terminal
    --json         one picture, as JSON
  bench [suite …]  measures queues, pools and more on this machine, beside other ways to do the same
    --help         its suites and options
  -h, --help       this text
  -v, --version    the version of the package
`;

/** A command gets its arguments parsed, and tells the exit code. */
interface Command {
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** Most arguments that are no options. */
  readonly most: number;
  run(values: Readonly<Record<string, unknown>>, positionals: readonly string[]): Promise<number>;
}

// What a command needs is loaded with it: `doctor` must be able to tell that the library cannot be.
const COMMANDS: Readonly<Record<string, Command>> = {
  doctor: {
    options: { json: { type: 'boolean', default: false } },
    most: 0,
    run: async ({ json }) => (await import('./doctor/command.js')).doctor(json === true),
  },
  top: {
    options: {
      json: { type: 'boolean', default: false },
      once: { type: 'boolean', default: false },
      interval: { type: 'string', default: '1000' },
    },
    most: 1,
    run: async ({ json, once, interval }, [pid]) =>
      (await import('./top/command.js')).top({
        json: json === true,
        once: once === true,
        interval: String(interval),
        pid,
      }),
  },
};

/** The exit code for arguments that nobody understands. */
const MISUSE = 2;

async function main([first, ...rest]: readonly string[]): Promise<number> {
  if (first === '-h' || first === '--help' || first === 'help') return print(USAGE);
  if (first === '-v' || first === '--version') return print(`${version()}\n`);
  if (first === 'bench') return (await import('./bench.js')).bench(rest);
  const command = first === undefined ? undefined : COMMANDS[first];
  if (command === undefined) {
    return misuse(first === undefined ? 'a command is missing' : `there is no command '${first}'`);
  }
  let parsed;
  try {
    const help = { type: 'boolean', short: 'h', default: false } as const;
    parsed = parseArgs({ args: rest, options: { ...command.options, help }, allowPositionals: true });
  } catch (error) {
    return misuse((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (values.help) return print(USAGE);
  const surplus = positionals[command.most];
  if (surplus !== undefined) return misuse(`'${surplus}' is one argument too many`);
  try {
    return await command.run(values, positionals);
  } catch (error) {
    if (error instanceof Misuse) return misuse(error.message);
    throw error;
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function misuse(what: string): number {
  process.stderr.write(`forkful: ${what}\n${USAGE}`);
  return MISUSE;
}

process.stdout.on('error', () => {
  process.exit(); // whoever read it, `head` for one, has what it wants
});

const outcome = main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`forkful: ${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
void outcome.then((code) => {
  // What hung in a self-test must not hold the process: it ends when all is written, and takes its children along.
  process.stdout.write('', () => process.exit(code));
});
