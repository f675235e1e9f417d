import type { Backend, Share } from '../backend';
import type { ObjectOrder } from './hub/hub';
import { HubChannel } from './channel';
import { HubChild } from './child';
import { ChildTransport } from './child-transport';
import { Client } from './client';
import { HubDuplex } from './duplex';
import { Endpoints } from './endpoint';
import { HubTransport } from './hub-transport';
import { namesOf } from './rights';
import { ClientFlag } from './synchronize/flag';
import { ClientGate } from './synchronize/gate';
import { ClientSemaphore } from './synchronize/semaphore';
import { ClientWaitLine } from './synchronize/wait-line';
import { noNames, noSharedMemory } from './unsupported';
import { connectToParent } from './upstream';

interface Connected {
  readonly client: Client;
  readonly endpoints: Endpoints;
}

let connected: Connected | undefined;

function connect(isChild: boolean): Connected {
  if (connected === undefined) {
    const client = new Client(isChild ? new ChildTransport() : new HubTransport());
    connected = { client, endpoints: new Endpoints(client) };
  }
  return connected;
}

/** The way to the hub: opened when it is first needed. */
function hub(): Connected {
  return connected ?? connect(false);
}

/** In a child: its way to the hub is there already. Done first, so that it is ready when the orders are wanted. */
export function joinHub(): void {
  connect(true);
}

type HandleClass<H> = new (
  client: Client,
  endpoints: Endpoints,
  kind: Share['kind'],
  name: number,
  isNew: boolean,
) => H;

function create<H>(Class: HandleClass<H>, order: ObjectOrder): H {
  const { client, endpoints } = hub();
  return new Class(client, endpoints, order.kind, client.create(order), true);
}

function open<H>(Class: HandleClass<H>, { kind, key }: Share): H {
  const { client, endpoints } = hub();
  return new Class(client, endpoints, kind, key, false);
}

/** Pure Node: all that processes share lives in the hub, a thread of the main process, and they talk to it by pipes. */
export const childProcessBackend: Backend = {
  name: 'child_process',
  startMethods: ['spawn'],
  unavailable: (method) =>
    method === 'spawn' ? undefined : 'processes of the child_process backend are started afresh',
  createChannel: (options, decode) => HubChannel.create(hub().client, hub().endpoints, options, decode),
  nameChannel: () => noNames('named queues'),
  openChannel: (share, decode) => HubChannel.open(hub().endpoints, share, decode),
  createDuplex: (decode) => HubDuplex.createPair(hub().client, hub().endpoints, decode),
  openDuplex: (share, decode) => HubDuplex.open(hub().endpoints, share.key, decode),
  createSemaphore: ({ initial, max }) =>
    create(ClientSemaphore, { kind: 'semaphore', initial, max: max === Infinity ? null : max }),
  nameSemaphore: () => noNames('named locks'),
  openSemaphore: (share) => open(ClientSemaphore, share),
  createFlag: () => create(ClientFlag, { kind: 'flag' }),
  openFlag: (share) => open(ClientFlag, share),
  createWaitLine: () => create(ClientWaitLine, { kind: 'wait-line' }),
  openWaitLine: (share) => open(ClientWaitLine, share),
  createGate: (parties) => create(ClientGate, { kind: 'gate', parties }),
  openGate: (share) => open(ClientGate, share),
  createMemory: (_bytes, { what }) => noSharedMemory(what),
  findMemory: (_name, { what }) => noSharedMemory(what),
  openMemory: () => noSharedMemory('shared memory'),
  createMapping: () => noSharedMemory('a Mapping'),
  openMapping: () => noSharedMemory('a Mapping'),
  waitForWord: () => noSharedMemory('a FutexWord'),
  wakeWord: () => noSharedMemory('a FutexWord'),
  removeUnusedNames: () => undefined,
  launch: (request, decode) => new HubChild(hub().client, hub().endpoints, request, decode),
  connectToParent: (decode) => connectToParent(hub().client, hub().endpoints, decode),
  runUntil: (done, timeout) => hub().client.runUntil(done, timeout),
  retain: (shares) => {
    const { client } = hub();
    const names = namesOf(shares);
    for (const name of names) client.open(name);
    return {
      shares,
      release() {
        for (const name of names.splice(0)) client.close(name);
      },
    };
  },
  discard: (share) => {
    for (const name of namesOf([share])) hub().client.close(name);
  },
  hold: (delta) => {
    hub().client.hold(delta);
  },
  needProgress: () => undefined, // the hub goes on by itself
};
