import type { ObjectOrder } from './hub/hub';

/**
 * An object's name is that of its first endpoint; the second one's is greater by 1. It tells which connection made the
 * object, and, by further bits, whether a message may have to wait for room and whether the object keeps an account.
 */
const NAMES_PER_CONNECTION = 2 ** 28;

export function nameOf(connection: number, serial: number, order: ObjectOrder): number {
  let name = connection * NAMES_PER_CONNECTION + 8 * serial;
  if (order.kind === 'channel' && (order.maxItems > 0 || order.maxBytes > 0)) name += 2;
  if (order.kind === 'channel' && order.joinable) name += 4;
  return name;
}

export function objectOf(endpoint: number): number {
  return endpoint - (endpoint % 2);
}

export function isBounded(endpoint: number): boolean {
  return endpoint % 4 >= 2;
}

export function isJoinable(endpoint: number): boolean {
  return endpoint % 8 >= 4;
}
