import { InvalidArgumentError } from './errors';

/** Checks at the door: each names the option, what was expected and what came. */

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  switch (typeof value) {
    case 'string':
      return `string (${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)})`;
    case 'number':
    case 'boolean':
    case 'bigint':
      return `${typeof value} (${value})`;
    case 'function':
      return `function ${value.name || '(anonymous)'}`;
    default:
      return typeof value;
  }
}

export function invalid(name: string, expected: string, value: unknown): InvalidArgumentError {
  return new InvalidArgumentError(`${name} must be ${expected}, got ${describe(value)}`);
}

export function integer(name: string, value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  const range =
    most === Number.MAX_SAFE_INTEGER
      ? `an integer of at least ${least}`
      : `an integer from ${least} to ${most}`;
  throw invalid(name, range, value);
}

/** Milliseconds to wait: undefined and Infinity wait for ever, what is negative polls. */
export function timeout(name: string, value: unknown): number {
  if (value === undefined) return Infinity;
  if (typeof value === 'number' && !Number.isNaN(value)) return Math.max(0, value);
  throw invalid(name, 'a number of milliseconds', value);
}

export function text(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw invalid(name, 'a string', value);
}

export function flag(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw invalid(name, 'a boolean', value);
}

export function oneOf<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  if (choices.includes(value as T)) return value as T;
  throw invalid(name, `one of ${choices.map((choice) => `'${choice}'`).join(', ')}`, value);
}

export function list(name: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw invalid(name, 'an array', value);
}

export function texts(name: string, value: unknown): readonly string[] {
  return list(name, value).map((item, i) => text(`${name}[${i}]`, item));
}

export function callback(name: string, value: unknown): (argument: unknown) => unknown {
  if (typeof value === 'function') return value as (argument: unknown) => unknown;
  throw invalid(name, 'a function', value);
}

export function abortSignal(name: string, value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined;
  const candidate = value as AbortSignal | null;
  if (typeof candidate === 'object' && candidate !== null && typeof candidate.aborted === 'boolean')
    return candidate;
  throw invalid(name, 'an AbortSignal', value);
}

/** The name that was most likely meant, if one is near. */
function nearest(key: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.ceil(key.length / 3) + 1;
  for (const candidate of known) {
    const distance = edits(key.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Insertions, deletions and substitutions that lead from one to the other. */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 0; i < from.length; i++) {
    const above = row;
    row = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const substituted = (above[j] ?? 0) + (to[j] === from[i] ? 0 : 1);
      row.push(Math.min(substituted, (above[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1));
    }
  }
  return row.at(-1) ?? 0;
}

/** An options object with none but the known keys; undefined is an empty one. */
export function record<K extends string>(
  name: string,
  value: unknown,
  known: readonly K[],
): Partial<Record<K, unknown>> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(name, 'an object', value);
  for (const key of Object.keys(value)) {
    if (!known.includes(key as K)) {
      const near = nearest(key, known);
      throw new InvalidArgumentError(
        `${name} has no "${key}"${near === undefined ? '' : ` (did you mean "${near}"?)`}; ` +
          `it has ${known.map((k) => `"${k}"`).join(', ')}`,
      );
    }
  }
  return value;
}

/** What every waiting call takes. */
export interface WaitOptions {
  /** Milliseconds; 0 polls. @default Infinity */
  readonly timeout?: number;
  /** Ends the wait: the call rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
}

export function waitOptions(
  call: string,
  options: WaitOptions | undefined,
): {
  timeout: number;
  signal: AbortSignal | undefined;
} {
  if (options === undefined) return { timeout: Infinity, signal: undefined };
  const given = record(`${call} options`, options, ['timeout', 'signal']);
  return {
    timeout: timeout(`${call} option "timeout"`, given.timeout),
    signal: abortSignal(`${call} option "signal"`, given.signal),
  };
}

/** The Sync forms cannot be aborted: the thread that would do it is blocked. */
export type SyncWaitOptions = Pick<WaitOptions, 'timeout'>;

/** Milliseconds, for calls that take nothing but a timeout. */
export function timeoutOption(call: string, options: SyncWaitOptions | undefined): number {
  if (options === undefined) return Infinity;
  return timeout(`${call} option "timeout"`, record(`${call} options`, options, ['timeout']).timeout);
}
