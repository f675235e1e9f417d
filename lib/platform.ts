import { constants } from 'node:os';

/** What differs between systems, as functions of what the system is, so that it can be tested anywhere. */

type Signals = Readonly<Partial<Record<string, number>>>;

/** undefined: this system does not know it. */
export function signalNumber(signal: string, signals: Signals = constants.signals): number | undefined {
  return signals[signal];
}

/** As in Python: what the process left with (32 bits on Windows), or minus the number of the signal that ended it. */
export function exitCodeOf(
  { exitCode, signal }: { readonly exitCode: number | null; readonly signal: string | null },
  signals: Signals = constants.signals,
): number {
  if (signal === null) return exitCode ?? 0;
  const number = signalNumber(signal, signals);
  return number === undefined ? 255 : -number;
}

/** How a variable's name is compared: on Windows PATH and Path are the same. */
export function variableName(name: string, platform: string = process.platform): string {
  return platform === 'win32' ? name.toUpperCase() : name;
}
