import * as errors from '../errors';
import { InvalidArgumentError } from '../errors';

type Class = abstract new (...args: never[]) => object;

const byName = new Map<string, Class>();
const names = new WeakMap<object, string>(); // by prototype

/**
 * Lets instances of a class arrive as instances: their own enumerable properties travel, the constructor does not run.
 * Call it once where the class is exported, so that every process that loads the module knows it; a process that does
 * not gets a plain object.
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

type ErrorClass = new (message: string) => Error;

/** The errors that are rebuilt with their class. Their constructors take the message first. */
const errorClasses = new Map<string, ErrorClass>();
for (const candidate of [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]) {
  errorClasses.set(candidate.name, candidate);
}
errorClasses.set('Error', Error);
errorClasses.set('AggregateError', function (message: string) {
  return new AggregateError([], message);
} as unknown as ErrorClass);
for (const [name, Class] of Object.entries(errors)) {
  if (typeof Class === 'function') errorClasses.set(name, Class);
}

/** How to rebuild an error; undefined: its class is not known here. */
export function errorPrototype(className: string): object | undefined {
  if (className === 'AggregateError') return AggregateError.prototype;
  return errorClasses.get(className)?.prototype as object | undefined;
}
