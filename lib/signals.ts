import { constants } from 'node:os';
import type { ExitStatus } from './backend/backend';
import { invalid } from './options';

type Signals = Readonly<Record<string, number>>;

/** Ended, but how is not known: as in CPython. */
const UNKNOWN = 255;

/** What a signal without a name here is called. */
const NUMBERED = /^SIG(\d+)$/;

/**
 * The number of a signal here; platforms differ in which they have.
 * @throws InvalidArgumentError if this platform has no such signal
 */
export function signalNumber(name: string, signal: unknown, signals: Signals = constants.signals): number {
  const number = typeof signal === 'string' ? numberOf(signal, signals) : signal;
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0) return number;
  throw invalid(
    name,
    `one of this platform's signals (${Object.keys(signals).join(', ')}) or a number`,
    signal,
  );
}

function numberOf(signal: string, signals: Signals): number | undefined {
  const number = NUMBERED.exec(signal)?.[1];
  return Object.hasOwn(signals, signal) ? signals[signal] : number === undefined ? undefined : Number(number);
}

/** As in Python: the exit code, or minus the number of the signal. */
export function pythonExitCode(
  { exitCode, signal }: ExitStatus,
  signals: Signals = constants.signals,
): number {
  if (signal === null) return exitCode ?? 0;
  const number = numberOf(signal, signals);
  return number === undefined ? UNKNOWN : -number;
}

/** How a process ended, for an error. Codes of Windows itself (0xC0000005: access violation) are known by their hex form. */
export function describeExit({ exitCode, signal }: ExitStatus): string {
  if (signal !== null) return signal;
  const code = exitCode ?? 0;
  return code > 255 ? `exit code ${code} (0x${code.toString(16).toUpperCase()})` : `exit code ${code}`;
}
