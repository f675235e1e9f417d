import { HEADER_BYTES, NO_PAYLOAD, viewOf, wholeFrame, writeHeader, type Header } from './frames';

const BATCH_BYTES = 64 * 1024;

/** Where frames go from an {@link Outbox}. What it is given is valid only during the call. */
export interface Sink {
  /** A run of whole frames. */
  writeBatch(frames: Buffer): void;
  /** One frame that is larger than a batch: its header and its payload. */
  writeLarge(head: Buffer, payload: Uint8Array): void;
  /** Calls `flush` once, when more frames are unlikely to join those that are there. */
  later(flush: () => void): void;
}

/** To another thread: its memory is given away. */
export function threadSink(post: (memory: ArrayBuffer) => void, later: Sink['later']): Sink {
  return {
    writeBatch: (frames) => {
      post(new Uint8Array(frames).buffer);
    },
    writeLarge: (head, payload) => {
      post(wholeFrame(head, payload).buffer as ArrayBuffer);
    },
    later,
  };
}

/** Frames on their way out, in order; small ones gather, so that many of them cost one system call. */
export class Outbox {
  readonly #sink: Sink;
  readonly #bytes = Buffer.allocUnsafeSlow(BATCH_BYTES);
  readonly #view = viewOf(this.#bytes);
  #used = 0;
  #flushing = false;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  get empty(): boolean {
    return this.#used === 0;
  }

  /** Adds a frame, which leaves when the outbox is full or flushed. */
  post(of: Header, payload: Uint8Array = NO_PAYLOAD, length = payload.length, start = 0): void {
    if (this.#used + HEADER_BYTES + length > BATCH_BYTES) this.flush();
    const whole = start === 0 && length === payload.length;
    const part = whole ? payload : payload.subarray(start, start + length);
    if (HEADER_BYTES + length > BATCH_BYTES) {
      writeHeader(this.#view, 0, length, of);
      this.#sink.writeLarge(this.#bytes.subarray(0, HEADER_BYTES), part);
      return;
    }
    writeHeader(this.#view, this.#used, length, of);
    if (length > 0) this.#bytes.set(part, this.#used + HEADER_BYTES);
    this.#used += HEADER_BYTES + length;
  }

  flush(): void {
    if (this.#used === 0) return;
    const frames = this.#bytes.subarray(0, this.#used);
    this.#used = 0;
    this.#sink.writeBatch(frames);
  }

  /** Flushes when the sink finds it time. */
  flushLater(): void {
    if (this.#flushing || this.#used === 0) return;
    this.#flushing = true;
    this.#sink.later(() => {
      this.#flushing = false;
      this.flush();
    });
  }
}
