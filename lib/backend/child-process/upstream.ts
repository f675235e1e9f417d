import type { Decode, Upstream } from '../backend';
import type { Client } from './client';
import { Control } from './control';
import { HubDuplex } from './duplex';
import type { Endpoints } from './endpoint';
import type { Frame } from './frames';
import { hubGone } from './gone';
import { ArrivedMessage } from './rights';

/** In a child: waits for the first frame, which names its link and carries its orders. */
export function connectToParent<T>(client: Client, endpoints: Endpoints, decode: Decode<T>): Upstream<T> {
  const received: Frame[] = [];
  client.onOrders = (frame) => received.push(frame);
  client.runUntil(() => received.length > 0, Infinity);
  const [orders] = received;
  if (orders === undefined) throw hubGone();
  const { object } = orders;
  return {
    link: HubDuplex.open(endpoints, object, decode),
    takeOrders: () => decode(new ArrivedMessage(orders)),
    receiveDescriptors: () => [],
    dieWithParent() {
      Atomics.store(client.control, Control.DieWithHub, 1);
      if (client.gone || Atomics.load(client.control, Control.HubGone) === 1)
        process.kill(process.pid, 'SIGKILL');
    },
  };
}
