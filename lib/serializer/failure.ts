import { types } from 'node:util';
import { SerializationError } from '../errors';

/** What is wrong and where. It never leaves the serializer: the writer makes a SerializationError of it. */
export class Failure {
  path = '';

  constructor(
    readonly problem: string,
    readonly details: { readonly cause?: unknown } = {},
  ) {}
}

/** What the owner of a handle threw, e.g. that it is closed: it says enough, and is thrown as it is. */
export class HandleFailure {
  constructor(readonly error: unknown) {}
}

const STACK_OVERFLOW = 'Maximum call stack size exceeded';
const MOST_PATH = 200; // characters of a path in a message

/** Adds where an error occurred while it travels outwards, so that paths cost nothing while there is none. */
export function within(error: unknown, step: string): Failure | HandleFailure {
  const failure = asFailure(error);
  if (failure instanceof Failure) failure.path = step + failure.path;
  return failure;
}

export function keyPath(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** What to throw instead of an error that has travelled all the way out. */
export function outermost(error: unknown, root: string): unknown {
  const failure = asFailure(error);
  if (failure instanceof HandleFailure) return failure.error;
  const path = root + failure.path;
  const shown = path.length > MOST_PATH ? `${path.slice(0, 120)} … ${path.slice(-60)}` : path;
  return new SerializationError(`${shown} ${failure.problem}`, { ...failure.details, path });
}

/** All else that is thrown comes from getters and proxies, or is the end of the stack or of memory. */
function asFailure(error: unknown): Failure | HandleFailure {
  if (error instanceof Failure || error instanceof HandleFailure) return error;
  if (error instanceof RangeError && error.message === STACK_OVERFLOW) {
    return new Failure('is nested too deeply for what is left of the stack; send it flatter', {
      cause: error,
    });
  }
  return new Failure(`could not be read: ${describe(error)}; send a plain copy of it`, { cause: error });
}

function describe(error: unknown): string {
  try {
    return types.isNativeError(error) ? error.message : String(error);
  } catch {
    return 'an error that cannot be shown';
  }
}
