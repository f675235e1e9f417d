import type { MessagePort } from 'node:worker_threads';

/** What `postMessage` of Node can transfer. */
export type TransferListItem = NonNullable<Parameters<MessagePort['postMessage']>[1]>[number];

export const transferableSymbol: unique symbol = Symbol.for('Piscina.transferable') as never;
export const valueSymbol: unique symbol = Symbol.for('Piscina.valueOf') as never;
export const queueOptionsSymbol: unique symbol = Symbol.for('Piscina.queueOptions') as never;
const movableSymbol = Symbol('Piscina.kMovable');

/** A value, and what of it is given up by who sends it. */
export interface Transferable {
  readonly [transferableSymbol]: object;
  readonly [valueSymbol]: object;
}

export function isTransferable(value: unknown): value is Transferable {
  return typeof value === 'object' && value !== null && transferableSymbol in value && valueSymbol in value;
}

/** Whether `move` returned it. */
export function isMovable(value: unknown): value is Transferable {
  return isTransferable(value) && (value as { [movableSymbol]?: unknown })[movableSymbol] === true;
}

export function markMovable(value: object): void {
  Object.defineProperty(value, movableSymbol, { configurable: true, writable: true, value: true });
}

/** Marks a value, a task or what a task returns, so that its memory is given up here when it is sent. */
export function move(
  value: Transferable | TransferListItem | ArrayBufferView | ArrayBuffer | MessagePort,
): Transferable | ArrayBufferView | ArrayBuffer | MessagePort {
  if (typeof value !== 'object' || (value as unknown) === null) return value as never;
  const marked: Transferable = isTransferable(value)
    ? value
    : { [transferableSymbol]: ArrayBuffer.isView(value) ? value.buffer : value, [valueSymbol]: value };
  markMovable(marked);
  return marked;
}
