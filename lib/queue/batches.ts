import { MOST_PER_BATCH, align, type Batch, type Share } from '../backend/backend';
import { encodeMessage } from '../user-message';

const BATCH_BYTES = 256 * 1024;

/** What carries rights is alone in its batch, and goes by itself. */
export interface Parcels extends Batch {
  readonly shares: readonly Share[] | undefined;
}

interface Room {
  readonly data: Buffer;
  readonly lengths: Uint32Array;
}

/** Kept for the next call, unless it is in use: the values may come from a function that puts some itself. */
let spare: Room | undefined;

function newRoom(): Room {
  return { data: Buffer.allocUnsafeSlow(BATCH_BYTES), lengths: new Uint32Array(2 * MOST_PER_BATCH) };
}

/** Encodes values into batches, so that one native call takes many. The batch is valid until the next one. */
export function* batches(values: Iterable<unknown>): Generator<Parcels> {
  const room = spare ?? newRoom();
  spare = undefined;
  try {
    yield* batchesIn(room, values);
  } finally {
    spare = room;
  }
}

function* batchesIn({ data, lengths }: Room, values: Iterable<unknown>): Generator<Parcels> {
  let count = 0;
  let used = 0;
  for (const value of values) {
    const message = encodeMessage(value);
    const { shares } = message;
    if (
      count === MOST_PER_BATCH ||
      (count > 0 && (shares !== undefined || used + message.length > data.length))
    ) {
      const held = message.data.slice(0, message.length); // the consumer may encode something itself
      const { tag } = message;
      yield { data, lengths, count, shares: undefined };
      count = used = 0;
      message.tag = tag;
      message.data = held;
      message.length = held.length;
    }
    if (message.length > data.length) data = Buffer.allocUnsafeSlow(align(message.length));
    data.set(
      message.length === message.data.length ? message.data : message.data.subarray(0, message.length),
      used,
    );
    lengths[2 * count] = message.length;
    lengths[2 * count + 1] = message.tag;
    count++;
    used += align(message.length);
    if (shares === undefined) continue;
    yield { data, lengths, count, shares };
    count = used = 0;
  }
  if (count > 0) yield { data, lengths, count, shares: undefined };
}
