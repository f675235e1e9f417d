import { readFileSync } from 'node:fs';
import { addon } from '../addon';

/** A process for ever: pids are used again, but not with the same time of start. */
export interface Identity {
  readonly pid: number;
  readonly startedLow: number;
  readonly startedHigh: number;
}

/** A process's start is the 22nd field of its stat; the second one, its name, may contain spaces. */
const STARTED = 22 - 3;

let own: Identity | undefined;

/** This process, also after a fork. */
export function ownIdentity(): Identity {
  if (own?.pid === process.pid) return own;
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const started = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[STARTED]);
  return (own = { pid: process.pid, startedLow: started | 0, startedHigh: Math.floor(started / 2 ** 32) });
}

export function isAlive({ pid, startedLow, startedHigh }: Identity): boolean {
  if (pid === process.pid) return true;
  const descriptor = addon.openIfAlive(pid, startedHigh * 2 ** 32 + (startedLow >>> 0));
  if (descriptor === -1) return false;
  addon.closeDescriptors([descriptor]);
  return true;
}
