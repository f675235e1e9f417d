import { writeSync, writevSync } from 'node:fs';
import { join } from 'node:path';
import { FrameBatch, HEADER_BYTES, NO_PAYLOAD, writeHeader, type Header } from './frames';
import { hubGone } from './gone';
import { STREAM } from './streams';
import { Arrivals, type Transport } from './transport';

/**
 * From a child's main thread to the hub in the main process. It writes by itself, at once and without its event loop:
 * what has been written survives this process. What comes is received by a helper thread.
 */
export class ChildTransport extends Arrivals implements Transport {
  readonly #batch = new FrameBatch();
  readonly #head = Buffer.allocUnsafeSlow(HEADER_BYTES);

  constructor() {
    super(join(__dirname, 'helper-thread.js'), { descriptor: STREAM.helper });
  }

  post(of: Header, payload = NO_PAYLOAD, length = payload.length, start = 0): void {
    if (!this.#batch.hasRoom(length)) {
      this.flush();
      if (!this.#batch.hasRoom(length)) {
        writeHeader(this.#head, 0, length, of);
        writeAll([this.#head, payload.subarray(start, start + length)]);
        return;
      }
    }
    this.#batch.add(of, payload, length, start);
  }

  flush(): void {
    if (this.#batch.length > 0) writeAll([this.#batch.take()]);
  }

  flushSoon(): void {
    this.flush();
  }

  flushLate(): void {
    this.flush();
  }
}

/** Writes all, also to a descriptor that somebody made non-blocking. */
function writeAll(parts: Uint8Array[]): void {
  let rest = parts;
  while (rest.length > 0) {
    let written: number;
    try {
      const [only] = rest;
      written =
        rest.length === 1 && only !== undefined
          ? writeSync(STREAM.main, only)
          : writevSync(STREAM.main, rest);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EAGAIN') throw hubGone(error);
      Atomics.wait(PAUSE, 0, 0, 1);
      continue;
    }
    rest = behind(rest, written);
  }
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4));

function behind(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes;
  const rest: Uint8Array[] = [];
  for (const part of parts) {
    if (skip < part.length) rest.push(part.subarray(skip));
    skip = Math.max(0, skip - part.length);
  }
  return rest;
}
