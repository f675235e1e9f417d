import type { Backend, StartMethod } from '../backend';
import { addon } from './addon';
import { NativeChannel } from './channel';
import { forkObstacle } from './fork/obstacle';
import { tieTimers } from './fork/timers';
import { flagObstacle } from './forkserver/obstacle';
import { knownRefusal } from './forkserver/client';
import { launch } from './launch';
import { NativeDuplex } from './duplex';
import { mappings } from './mapping';
import { createMemory, findMemory, openMemory } from './memory';
import { reactor } from './reactor';
import { retain } from './shares';
import { NativeFlag } from './synchronize/flag';
import { NativeGate } from './synchronize/gate';
import { createUnits, nameUnits, openUnits } from './synchronize/units';
import { NativeWaitLine } from './synchronize/wait-line';
import { connectToParent } from './upstream';

const startMethods: StartMethod[] = flagObstacle === undefined ? ['forkserver', 'spawn'] : ['spawn'];
if (forkObstacle() === undefined) {
  startMethods.push('fork');
  tieTimers();
}

function unavailable(method: StartMethod): string | undefined {
  if (method === 'fork') return forkObstacle();
  return method === 'forkserver' ? (flagObstacle ?? knownRefusal()) : undefined;
}

/** The addon's backend: real pipes, shared memory and processes of Linux. */
export const nativeBackend: Backend = {
  name: 'native',
  startMethods,
  unavailable,
  createChannel: (options, decode) => NativeChannel.create(options, decode),
  nameChannel: (name, exclusive, options, decode) => NativeChannel.named(name, exclusive, options, decode),
  openChannel: (share, decode, name) => NativeChannel.open(share, decode, name),
  createDuplex: (decode) => NativeDuplex.createPair(decode),
  openDuplex: (share, decode) => new NativeDuplex(share.descriptors, share.key, decode),
  ...mappings,
  createMemory,
  findMemory,
  openMemory,
  removeUnusedNames: () => {
    addon.removeUnusedBlocks();
  },
  createSemaphore: createUnits,
  nameSemaphore: nameUnits,
  openSemaphore: openUnits,
  createFlag: () => new NativeFlag(),
  openFlag: (share) => new NativeFlag(share),
  createWaitLine: () => new NativeWaitLine(),
  openWaitLine: (share) => new NativeWaitLine(share),
  createGate: (parties) => new NativeGate(undefined, parties),
  openGate: (share) => new NativeGate(share),
  launch,
  connectToParent,
  runUntil: (done, timeout) => reactor.runUntil(done, timeout),
  retain,
  discard: ({ descriptors }) => {
    addon.closeDescriptors(descriptors);
  },
  hold: (delta) => {
    reactor.hold(delta);
  },
  needProgress: (delta) => {
    reactor.needProgress(delta);
  },
};
