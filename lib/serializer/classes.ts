import * as errors from '../errors';
import { InvalidArgumentError } from '../errors';
import { ErrorOrigin } from './tags';

type Class = abstract new (...args: never[]) => object;

const byName = new Map<string, Class>();
const names = new WeakMap<object, string>(); // by prototype

/**
 * Lets instances of a class arrive as instances: their own enumerable properties travel, the constructor does not run.
 * Call it once where the class is exported, so that every process that loads the module knows it; a process that does
 * not gets a plain object, or a RemoteError. What extends Map, Array or another built-in arrives as that built-in;
 * errors arrive as the class.
 *
 * @throws InvalidArgumentError if it is not a class, or another class has its name
 */
export function registerClass(Class: Class, options: { readonly name?: string } = {}): void {
  if (typeof Class !== 'function') {
    throw new InvalidArgumentError(`registerClass expects a class, got ${typeof Class}`);
  }
  const name = options.name ?? Class.name;
  const prototype = Class.prototype as object | undefined;
  if (name === '' || prototype === undefined) {
    throw new InvalidArgumentError(
      'registerClass expects a class with a name; give one: registerClass(C, { name })',
    );
  }
  const other = byName.get(name);
  if (other !== undefined && other !== Class) {
    throw new InvalidArgumentError(
      `registerClass: another class is registered as "${name}"; give another name`,
    );
  }
  byName.set(name, Class);
  names.set(prototype, name);
}

export function registeredName(prototype: object): string | undefined {
  return names.get(prototype);
}

export function registeredPrototype(name: string): object | undefined {
  return byName.get(name)?.prototype as object | undefined;
}

/** The errors that every process knows. */
const knownErrors = new Map<string, object>();
const knownErrorNames = new WeakMap<object, string>(); // by prototype
const builtIn = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError,
  DOMException,
];
for (const candidate of [...builtIn, ...Object.values(errors)]) {
  knownErrors.set(candidate.name, candidate.prototype);
  knownErrorNames.set(candidate.prototype, candidate.name);
}

const builtInNames: ReadonlySet<string> = new Set(builtIn.map(({ name }) => name));

/** vm contexts (and with them jest) have built-in errors of their own. */
function isBuiltInElsewhere(constructor: object, name: string): boolean {
  return (
    builtInNames.has(name) && /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(constructor))
  );
}

/** The prototype decides, not the name: a user's own TimeoutError is not ours. */
export function errorClass(error: object): { origin: number; name: string } {
  const prototype = Object.getPrototypeOf(error) as object | null;
  if (prototype === null) return { origin: ErrorOrigin.Unknown, name: '' };
  const registered = names.get(prototype);
  if (registered !== undefined) return { origin: ErrorOrigin.Registered, name: registered };
  const known = knownErrorNames.get(prototype);
  if (known !== undefined) return { origin: ErrorOrigin.Known, name: known };
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  const descriptor =
    typeof constructor === 'function' ? Object.getOwnPropertyDescriptor(constructor, 'name') : undefined;
  const name: unknown = descriptor?.value;
  if (typeof name !== 'string') return { origin: ErrorOrigin.Unknown, name: '' };
  const origin = isBuiltInElsewhere(constructor as object, name) ? ErrorOrigin.Known : ErrorOrigin.Unknown;
  return { origin, name };
}

/** undefined: the class is not known here. */
export function errorPrototype(origin: number, name: string): object | undefined {
  if (origin === ErrorOrigin.Known) return knownErrors.get(name);
  return origin === ErrorOrigin.Registered ? registeredPrototype(name) : undefined;
}
