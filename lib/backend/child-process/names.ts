import type { ObjectOrder } from './hub/hub';

/**
 * An object's name is that of its first endpoint; the second one's is greater by 1. It tells which connection made the
 * object, and, by its second bit, whether a message may have to wait for room.
 */
const NAMES_PER_CONNECTION = 2 ** 28;

export function nameOf(connection: number, serial: number, order: ObjectOrder): number {
  const bounded = order.kind === 'channel' && (order.maxItems > 0 || order.maxBytes > 0);
  return connection * NAMES_PER_CONNECTION + 4 * serial + (bounded ? 2 : 0);
}

export function objectOf(endpoint: number): number {
  return endpoint - (endpoint % 2);
}

export function isBounded(endpoint: number): boolean {
  return endpoint % 4 >= 2;
}
