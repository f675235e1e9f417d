/**
 * What a process and the hub say to each other. A frame is a header of 32 bytes, little-endian, and its payload:
 *
 * ```
 *  0 u32 length, header included      16 u32 a
 *  4 u32 op                           20 u32 b
 *  8 f64 object: an endpoint's name   24 u32 c
 *                                     28 u32 tag
 * ```
 */
export const HEADER_BYTES = 32;

export const Op = {
  // From a process to the hub. `a` of a request is its number, which the reply repeats.
  /** Payload: what kind of object, as JSON. The object is open in the creator, once at each endpoint. */
  Create: 1,
  /** One handle less. a: request */
  Close: 2,
  /** One handle more, of a process that holds one already. */
  Open: 3,
  /** A message without bound. */
  Put: 4,
  /** A message that may have to wait. a: request */
  PutRequest: 5,
  /** Gives up a put; its reply tells whether that came too late. a: the put's request */
  CancelPut: 6,
  /** Asks for messages. a: slot of the claim word, b: how many at most */
  Get: 7,
  /** Like Get, but does not wait: a Reply follows the messages. c: request */
  Poll: 8,
  /** Nobody waits for what was asked for. */
  Unget: 9,
  /** Messages claimed. a: the number of all claimed so far */
  Ack: 10,
  /** Asks to be told when it is readable. */
  Watch: 11,
  /** a: request; the reply's b: how many messages, c: State */
  Look: 12,
  /** Takes back what the other end has not received. a: request */
  Unsend: 13,
  /** Starts a process. a: request; payload: LaunchOrder */
  Launch: 14,
  /** a: request, b: signal; object: the connection */
  Kill: 15,
  /** Ends sending. b: 1 to drop what is there */
  Shutdown: 17,
  /** A received message is done. a: request; the reply's b: whether there was one */
  Done: 18,
  /** Asks to be told when all is done. a: request, c: 1 to wait. Reply: b: Joined, payload of Lost: {@link Loss} */
  Join: 19,
  /** Gives up a Join, which is answered in any case. a: the join's request */
  CancelJoin: 20,
  /** Waits for a synchronizer. a: request, b: which place, c: 1 to wait. Reply: b: 1 if granted */
  Wait: 21,
  /** Gives up a Wait, which is answered in any case. a: the wait's request */
  CancelWait: 22,
  /** Does something with a synchronizer. a: request, or 0 for no reply; b: depends on it; tag: one of {@link Verb} */
  Do: 23,
  /** The answer to Recall. a: slot, b: how many had been claimed */
  Recalled: 16,

  // From the hub to a process.
  /** A message, lent until it is claimed. a: its index, b: 1 if more will follow without being asked for */
  Item: 32,
  /** a: request, b and c: depend on it */
  Reply: 33,
  /** Nobody is left at the other end. */
  Gone: 34,
  /** Nothing will come any more. */
  End: 35,
  Readable: 36,
  /** Sending has been ended. */
  Shut: 43,
  /** A message taken back. a: request */
  Unsent: 37,
  /** The first frame to a child. a: its connection; payload: its orders */
  Orders: 38,
  /** The child has been started. a: request of the launch, b: pid */
  Started: 39,
  /** It has not. Payload: the error as JSON */
  Failed: 40,
  /** It has ended. a: request of the launch, b: exit code, payload: the signal's name, or nothing */
  Exited: 41,
  /**
   * To the near end: what is not claimed yet is the hub's again. To the process: nothing follows without being asked
   * for. a: slot, b: index that follows what was lent
   */
  Recall: 42,
  /** What the child has written to a piped stream; no payload: its end. a: request of the launch, b: 1 stdout, 2 stderr */
  Output: 44,
} as const;

/** What is done with synchronizers. */
export const Verb = {
  /** Semaphore. b: units; reply: 1 if there is room for them */
  Release: 1,
  /** Semaphore, flag, gate: a number that describes it. */
  Value: 2,
  /** Flag. b: 1 or 0 */
  Set: 3,
  /** Wait line. b: the new place */
  Enter: 4,
  /** Wait line. b: how many */
  Notify: 5,
  /** Wait line: a notification has reached the process that it is for. b: the place, c: 1 if it comes too late there */
  Noticed: 6,
  /** Gate. b: the new arrival; reply: b: its index, c: 0 or why the gate is broken, tag: 1 for the last one */
  Arrive: 7,
  /** Gate. b: the last arrival; reply: b: what became of all of them */
  Open: 8,
  /** Gate. b: why */
  Break: 9,
  /** Gate: as new. */
  Reset: 10,
} as const;

/** What became of a put. */
export const Put = { GivenUp: 0, Done: 1, Shut: 2 } as const;

/** What became of a join. */
export const Joined = { GivenUp: 0, Done: 1, Lost: 2 } as const;

/** Messages that a process took and was not done with when it ended. */
export interface Loss {
  readonly pid: number;
  readonly unfinished: number;
}

/** Bits of Look's reply. */
export const State = { Full: 1, Ended: 2 } as const;

export interface Header {
  readonly op: number;
  readonly object: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly tag: number;
}

export interface Frame extends Header {
  readonly payload: Buffer;
}

export const NO_PAYLOAD = Buffer.alloc(0);

export function header(op: number, object: number, a = 0, b = 0, c = 0, tag = 0): Header {
  return { op, object, a, b, c, tag };
}

/** Of the memory that frames are in: three times as fast as the methods of Buffer. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function writeHeader(into: DataView, at: number, length: number, of: Header): void {
  into.setUint32(at, HEADER_BYTES + length, true);
  into.setUint32(at + 4, of.op, true);
  into.setFloat64(at + 8, of.object, true);
  into.setUint32(at + 16, of.a, true);
  into.setUint32(at + 20, of.b, true);
  into.setUint32(at + 24, of.c, true);
  into.setUint32(at + 28, of.tag, true);
}

/** Calls `handle` for each frame of a run of whole frames. */
export function eachFrame(bytes: Buffer, handle: (frame: Frame) => void): void {
  const view = viewOf(bytes);
  let end: number;
  for (let at = 0; at < bytes.length; at = end) {
    end = at + view.getUint32(at, true);
    handle({
      op: view.getUint32(at + 4, true),
      object: view.getFloat64(at + 8, true),
      a: view.getUint32(at + 16, true),
      b: view.getUint32(at + 20, true),
      c: view.getUint32(at + 24, true),
      tag: view.getUint32(at + 28, true),
      payload: end === at + HEADER_BYTES ? NO_PAYLOAD : bytes.subarray(at + HEADER_BYTES, end),
    });
  }
}

/** One frame in memory of its own, which may be transferred to another thread. */
export function wholeFrame(head: Uint8Array, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafeSlow(HEADER_BYTES + payload.length);
  bytes.set(head);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

const PLACE_BYTES = 64 * 1024;

/** Cuts a stream of bytes into runs of whole frames. What it hands over is the receiver's own. */
export class FrameSplitter {
  readonly #onFrames: (bytes: Buffer) => void;
  #partial: Buffer | undefined;
  #have = 0;

  constructor(onFrames: (bytes: Buffer) => void) {
    this.#onFrames = onFrames;
  }

  /** Where the next bytes had better be read to, if most of a large frame is to come: from there they are not copied. */
  get place(): Buffer | undefined {
    const partial = this.#partial;
    if (partial === undefined || this.#have < 4) return undefined;
    return partial.length - this.#have < PLACE_BYTES ? undefined : partial.subarray(this.#have);
  }

  push(chunk: Buffer): void {
    const { length } = chunk; // the receiver may give it away
    let at = 0;
    while (at < length) {
      if (this.#partial !== undefined) {
        at += this.#fill(chunk, at);
        continue;
      }
      let end = at;
      while (length - end >= 4 && length - end >= chunk.readUInt32LE(end)) end += chunk.readUInt32LE(end);
      if (end < length) {
        this.#partial = Buffer.allocUnsafeSlow(length - end >= 4 ? chunk.readUInt32LE(end) : 4);
        this.#have = chunk.copy(this.#partial, 0, end);
      }
      if (end > at) this.#onFrames(chunk.subarray(at, end));
      return;
    }
  }

  /** Completes the frame that began in an earlier chunk; how many bytes that took. */
  #fill(chunk: Buffer, at: number): number {
    const partial = this.#partial;
    if (partial === undefined) return 0;
    const inPlace = chunk.buffer === partial.buffer;
    const taken = inPlace ? chunk.length : chunk.copy(partial, this.#have, at);
    this.#have += taken;
    if (this.#have < partial.length) return taken;
    const length = partial.readUInt32LE(0);
    if (length > partial.length) {
      // Until now no more of it was known than its length.
      this.#partial = Buffer.allocUnsafeSlow(length);
      partial.copy(this.#partial);
    } else {
      this.#partial = undefined;
      this.#have = 0;
      this.#onFrames(partial);
    }
    return taken;
  }
}
