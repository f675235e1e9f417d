import type { SpawnOptions } from 'node:child_process';
import type { Stdio } from '../../backend';

/** What a process asks for that wants a child. Its orders follow; the frame's b tells where. */
export interface LaunchOrder {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly stdio: Stdio;
  readonly detached: boolean;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** The child's end of its link. */
  readonly link: number;
  /** The endpoints that the child gets handles of. */
  readonly shares: readonly number[];
}

/** Who this process is for the system; Windows knows neither. */
export interface EffectiveIds {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

export function effectiveIds(): EffectiveIds {
  return { uid: process.geteuid?.(), gid: process.getegid?.() };
}

/** For a child with a link to its helper thread, and one to its main thread. */
export function spawnOptions(
  { cwd, env, stdio, detached, uid, gid }: LaunchOrder,
  own: EffectiveIds,
): SpawnOptions {
  return {
    cwd: cwd === '' ? undefined : cwd,
    env,
    // 'overlapped' is what libuv needs on Windows to read and write at the same time; elsewhere it is 'pipe'.
    stdio: ['ignore', stdio, stdio, 'overlapped', 'pipe'],
    detached,
    windowsHide: true,
    // With either given the child loses its further groups, and Windows refuses both.
    uid: uid === own.uid ? undefined : uid,
    gid: gid === own.gid ? undefined : gid,
  };
}
