import { constants } from 'node:os';
import { getEnvironmentData, setEnvironmentData, threadId } from 'node:worker_threads';
import { debug } from '../../../debug';
import { whenForked } from '../../../forked';
import { ownFile } from '../../../own-files';
import type { Preload } from '../../backend';
import { addon } from '../addon';
import { inheritable } from '../../surroundings';
import { reap } from '../birth';
import { lifeReadEnd } from '../life';
import { Kind } from './protocol';

const SERVER_MAIN = ownFile('forkserver-main.js');

/** A forkserver of this process, and the socket through which all its clients connect to it. */
interface Door {
  readonly socket: number;
  readonly pid: number;
  readonly pidfd: number;
}

// One process may load this library several times (test runners do, for each file) and still needs one forkserver: this
// is the one place that all copies on a thread see. Other threads inherit its content, and have servers of their own.
let place = `forkful forkservers of ${process.pid}:${threadId}`;
type Doors = Readonly<Record<string, Door>>;

function doors(): Doors {
  return (getEnvironmentData(place) as unknown as Doors | undefined) ?? {};
}

function setDoors(changed: Doors): void {
  setEnvironmentData(place, changed);
}

whenForked(() => {
  for (const { socket, pidfd } of Object.values(doors())) addon.closeDescriptors([socket, pidfd]);
  place = `forkful forkservers of ${process.pid}:${threadId}`;
});

/** How long (ms) the kernel may take to end a process that has closed its descriptors. */
const PATIENCE = 1000;

/** A new connection to the forkserver of this name, which is started if need be. */
export function connect(name: string, execArgv: readonly string[], preload: Preload): number {
  let door = doors()[name];
  if (door === undefined) {
    door = boot(execArgv, preload);
    setDoors({ ...doors(), [name]: door });
  }
  const [ours, theirs] = addon.createSockets();
  try {
    addon.sendPacket(door.socket, Kind.Connect, 0, 0, 0, [theirs]);
  } catch {
    // It has gone just now: so has the connection, and the caller notices.
  } finally {
    addon.closeDescriptors([theirs]);
  }
  return ours;
}

/** Kills the forkserver of this name. */
export function destroy(name: string): void {
  const door = doors()[name];
  if (door !== undefined) addon.signalProcess(door.pidfd, constants.signals.SIGKILL);
}

/**
 * Buries the forkserver that has hung up; the next connection is to another one.
 * @returns why it has refused to serve, if it has; and its exit code, if it was not killed
 */
export function bury(name: string): { readonly refusal?: string; readonly exitCode?: number } {
  const door = doors()[name];
  // Another copy of the library may have been faster.
  if (door === undefined || !addon.peerGone(door.socket)) return {};
  setDoors(Object.fromEntries(Object.entries(doors()).filter(([other]) => other !== name)));
  const packet = addon.receivePacket(door.socket);
  addon.waitReadable(door.pidfd, PATIENCE);
  const status = reap(door.pid);
  addon.closeDescriptors([door.socket, door.pidfd]);
  debug(`the forkserver ${door.pid} ended`, status);
  return {
    ...(packet?.kind === Kind.Failed && { refusal: packet.text }),
    ...(typeof status?.exitCode === 'number' && { exitCode: status.exitCode }),
  };
}

function boot(execArgv: readonly string[], preload: Preload): Door {
  const [socket, theirs] = addon.createSockets();
  try {
    const [pid, pidfd] = addon.spawn({
      file: process.execPath,
      args: [process.execPath, '--single-threaded', ...execArgv, SERVER_MAIN, JSON.stringify(preload)],
      env: inheritable(process.env).map(([name, value]) => `${name}=${value}`),
      cwd: '',
      fds: [-1, 1, 2, theirs, lifeReadEnd()],
      newSession: false,
    });
    debug(`booting a forkserver as ${pid}`);
    return { socket, pid, pidfd };
  } catch (error) {
    addon.closeDescriptors([socket]);
    throw error;
  } finally {
    addon.closeDescriptors([theirs]);
  }
}
