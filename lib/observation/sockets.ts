import { randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';

/**
 * Where programs that have pools can be asked about them: a Unix socket for each, in a folder of their user.
 *
 * Why files, and not abstract names, which leave nothing behind: a folder of mode 700 lets the kernel refuse all other
 * users, with pure Node, on Linux and macOS; an abstract name is open to everybody who shares the network namespace, and
 * asking who has connected takes native code. A killed program leaves its file; the next one that opens a socket, and
 * `forkful top`, remove it.
 *
 * /dev/shm first: a service's /tmp may be its own (PrivateTmp=), and what is in /dev/shm is gone when the machine is.
 */
const PARENTS = process.platform === 'linux' ? ['/dev/shm', '/tmp'] : ['/tmp'];

export interface SocketFile {
  readonly path: string;
  readonly pid: number;
}

/** Where this user's sockets may be. */
export function folders(): string[] {
  return PARENTS.map((parent) => join(parent, `forkful-top-${process.geteuid?.() ?? ''}`));
}

/** Makes it if it is missing. @throws if it is not this user's alone */
export function prepareFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  if (!isPrivate(folder)) throw new Error(`${folder} is not a directory of this user alone (mode 700)`);
}

function isPrivate(folder: string): boolean {
  const status = lstatSync(folder, { throwIfNoEntry: false });
  return status?.isDirectory() === true && status.uid === process.geteuid?.() && (status.mode & 0o077) === 0;
}

/** A name that no other program has, in whatever pid namespace. */
export function newName(): string {
  return `${process.pid}-${randomUUID()}`;
}

/** Those that are there now, in folders that are this user's alone. */
export function socketFiles(): SocketFile[] {
  return folders().filter(isPrivate).flatMap(socketsIn);
}

function socketsIn(folder: string): SocketFile[] {
  return namesIn(folder).flatMap((name) => {
    const pid = /^\.?(\d+)-/.exec(name)?.[1];
    return pid === undefined ? [] : [{ path: join(folder, name), pid: Number(pid) }];
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it has just gone with its last socket
  }
}

/** Removes what killed programs have left. Does not hold the event loop. */
export function removeAbandoned(folder: string): void {
  for (const file of socketsIn(folder)) {
    if (isRunning(file.pid)) continue;
    const socket = connect(file.path);
    socket.unref();
    socket.on('connect', () => socket.destroy());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') removeIfAbandoned(file);
    });
  }
}

/**
 * For a socket that has refused a connection. It takes both to know that its program is gone: on macOS one that is blocked
 * refuses, too, when many wait; and a number that nobody has may be one of another container that shares the folder.
 */
export function removeIfAbandoned({ path, pid }: SocketFile): void {
  if (isRunning(pid)) return;
  remove(path);
}

/**
 * And the folder with the last one. A program that is about to open a socket in it finds no folder then, and takes the
 * next one.
 */
export function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // somebody else was faster
  }
  try {
    rmdirSync(dirname(path));
  } catch {
    // others are in it
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
