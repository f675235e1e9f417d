import { NOTHING, type Decode, type Upstream } from '../backend';
import { addon } from './addon';
import { NativeDuplex } from './duplex';
import { INHERITED } from './layout';

/** What the parent has sent is there before the child starts; this only bounds the wait for a broken parent. */
const PATIENCE = 10_000;

/** Takes over what the parent left open for this process. */
export function connectToParent<T>(decode: Decode<T>): Upstream<T> {
  // Whatever this process executes later has no business with them.
  addon.closeOnExec([...INHERITED.link, INHERITED.life]);
  const link = new NativeDuplex(INHERITED.link, 1, decode);
  return upstreamOver(link, INHERITED.life, () => {
    const orders = link.tryReceive();
    if (orders === NOTHING) {
      throw new Error('forkful: this file is started by the library itself, with its orders waiting');
    }
    return orders;
  });
}

/** @param life the read end of the parent's life pipe */
export function upstreamOver<T>(link: NativeDuplex<T>, life: number, takeOrders: () => T): Upstream<T> {
  return {
    link,
    takeOrders,
    receiveDescriptors(count) {
      const descriptors: number[] = [];
      while (descriptors.length < count) descriptors.push(...addon.receiveDescriptors(link.socket, PATIENCE));
      return descriptors;
    },
    dieWithParent() {
      addon.dieWithPipe(life);
    },
  };
}
