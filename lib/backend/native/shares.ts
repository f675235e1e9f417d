import { DescriptorError, SerializationError } from '../../errors';
import type { RetainedShares, Share } from '../backend';
import { addon } from './addon';

/** The kernel's bound for one packet, less a few; mirrors native/core/descriptors.h. */
const MOST_DESCRIPTORS = 250;

let anyParcels = false;

/** The descriptors that came with a message. */
export function arrived(): readonly number[] {
  anyParcels = true;
  return addon.takeDescriptors();
}

/**
 * Transports whose sockets lie in each other, or in themselves, are held by nothing but messages that nobody can receive.
 * The kernel looks for those when a socket is released, which theirs are not: so another one is. The end of a process
 * releases some anyway.
 */
export function releaseCycles(): void {
  if (!anyParcels) return;
  try {
    addon.closeDescriptors(addon.createSockets());
  } catch {
    // There are no descriptors left. Whatever socket is released next, by whomever, will do.
  }
}

/** The descriptors of one message. @throws SerializationError if they are too many */
export function descriptorsOf(shares: readonly Share[]): readonly number[] {
  anyParcels = true;
  const [first] = shares;
  const descriptors =
    shares.length === 1 && first !== undefined
      ? first.descriptors
      : shares.flatMap((share) => share.descriptors);
  if (descriptors.length > MOST_DESCRIPTORS) {
    throw new SerializationError(
      `expected handles of at most ${MOST_DESCRIPTORS} file descriptors in one message, got ${descriptors.length} ` +
        '(a queue has 5 or 6, a connection 4, a lock 2, shared memory 1); send them in several messages',
    );
  }
  return descriptors;
}

function duplicate(descriptors: readonly number[]): number[] {
  try {
    return addon.duplicate(descriptors);
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    if (cause.code !== 'EMFILE' && cause.code !== 'ENFILE') throw error;
    throw new DescriptorError(
      `expected room for ${descriptors.length} file descriptors of handles that wait to be sent, but this process has ` +
        'as many as the limit allows; raise the limit (ulimit -n), or close handles',
      { cause },
    );
  }
}

export function retain(shares: readonly Share[]): RetainedShares {
  const all = duplicate(descriptorsOf(shares));
  let at = 0;
  let open = true;
  return {
    shares: shares.map(({ kind, key, descriptors }) => {
      const own = all.slice(at, (at += descriptors.length));
      return { kind, key, descriptors: own };
    }),
    release() {
      if (!open) return;
      open = false;
      addon.closeDescriptors(all);
      releaseCycles();
    },
  };
}
