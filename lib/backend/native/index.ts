import { UnsupportedError } from '../../errors';
import type { Backend } from '../backend';
import { addon } from './addon';
import { NativeChannel } from './channel';
import { forkserverObstacle } from './forkserver/obstacle';
import { knownRefusal, setPreload } from './forkserver/client';
import { launch } from './launch';
import { NativeDuplex } from './duplex';
import { createMemory, findMemory, openMemory } from './memory';
import { reactor } from './reactor';
import { connectToParent } from './upstream';

function notYet(): never {
  throw new UnsupportedError('the native backend has no locks yet; FORKFUL_BACKEND=child_process has');
}

/** The addon's backend: real pipes, shared memory and processes of Linux. */
export const nativeBackend: Backend = {
  name: 'native',
  startMethods: forkserverObstacle === undefined ? ['forkserver', 'spawn'] : ['spawn'],
  unavailable: (method) => (method === 'forkserver' ? (forkserverObstacle ?? knownRefusal()) : undefined),
  setPreload,
  createChannel: (options, decode) => NativeChannel.create(options, decode),
  openChannel: (share, decode) => new NativeChannel(share.descriptors, decode),
  createDuplex: (decode) => NativeDuplex.createPair(decode),
  openDuplex: (share, decode) => new NativeDuplex(share.descriptors, share.key, decode),
  createMemory,
  findMemory,
  openMemory,
  removeUnusedNames: () => {
    addon.removeUnusedBlocks();
  },
  createSemaphore: notYet,
  openSemaphore: notYet,
  createFlag: notYet,
  openFlag: notYet,
  createWaitLine: notYet,
  openWaitLine: notYet,
  createGate: notYet,
  openGate: notYet,
  launch,
  connectToParent,
  runUntil: (done, timeout) => reactor.runUntil(done, timeout),
  hold: (delta) => {
    reactor.hold(delta);
  },
  needProgress: (delta) => {
    reactor.needProgress(delta);
  },
};
