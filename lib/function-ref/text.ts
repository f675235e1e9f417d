import { createHash } from 'node:crypto';

/** A function, or the constructor of a class. */
export interface Code {
  readonly name: string;
}

/** The text of a function or class, whatever its own toString says. */
export function textOf(fn: object): string {
  return Function.prototype.toString.call(fn);
}

/** A digest of that text. */
export function hashOf(fn: object): string {
  return createHash('sha256').update(textOf(fn)).digest('hex').slice(0, 16);
}

export function isClass(fn: object): boolean {
  return /^class\b/.test(textOf(fn));
}
