import { writeSync } from 'node:fs';
import { inspect } from 'node:util';
import { takeCoverage } from 'node:v8';
import { addon } from './addon';
import { Kind } from './forkserver/protocol';

let link = -1;
let fatal: { readonly error: unknown } | undefined;
let isInstalled = false;

/**
 * Makes all ways out of a forked process lead through `_exit`: Node's own would join threads that exist in the
 * process only that it was forked from. Again in a child of a forked process: there it is in place.
 * @returns to be told the socket on which the exit code is said
 */
export function leaveNatively(): (socket: number) => void {
  link = -1;
  fatal = undefined;
  if (!isInstalled) install();
  isInstalled = true;
  return (socket) => {
    link = socket;
  };
}

function install(): void {
  const leave = (code: unknown): never => {
    if (fatal !== undefined) report(fatal.error);
    if (process.env['NODE_V8_COVERAGE'] !== undefined) takeCoverage();
    const status = Number(code ?? 0) & 0xff;
    try {
      addon.sendPacket(link, Kind.Left, 0, status, 0, []);
    } catch {
      // nobody listens
    }
    return addon.leave(status);
  };

  process.on('uncaughtExceptionMonitor', (error) => {
    const isHandled =
      process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback();
    if (!isHandled) fatal = { error };
  });
  (process as { reallyExit?: (code?: number) => never }).reallyExit = leave;
  // Behind all listeners, also those that are added later.
  const emit = process.emit.bind(process) as (event: string | symbol, ...args: unknown[]) => boolean;
  process.emit = ((event: string | symbol, ...args: unknown[]) => {
    const isExit = event === 'exit' && (process as { _exiting?: boolean })._exiting === true;
    if (!isExit) return emit(event, ...args);
    try {
      emit(event, ...args);
    } catch (error) {
      fatal ??= { error };
      return leave(1);
    }
    return leave(process.exitCode ?? args[0]);
  }) as typeof process.emit;
}

/** Node prints an uncaught error after the exit listeners, which is too late here. */
function report(error: unknown): void {
  const text = error instanceof Error ? inspect(error) : `Uncaught:\n${inspect(error)}`;
  try {
    writeSync(2, `\n${text}\n\nNode.js ${process.version}\n`);
  } catch {
    // stderr is closed or full
  }
}
