import { MessageChannel, Worker, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { createControl } from './control';
import type { Header } from './frames';

/** How a process's main thread and the hub reach each other. */
export interface Transport {
  readonly control: Int32Array;
  /** Sends a frame, in order; it may wait for {@link flush}. */
  post(header: Header, payload?: Uint8Array, length?: number, start?: number): void;
  flush(): void;
  /** Flushes at the latest when what runs now is done. */
  flushSoon(): void;
  /** Flushes before this process could be lost with what it has claimed, at the latest in the loop's next turn. */
  flushLate(): void;
  /** Frames that have come; null: the hub is gone. */
  receive(): Buffer | null | undefined;
  onArrival(listener: (bytes: Buffer | null) => void): void;
  /** Whether the event loop stays alive for what comes. */
  hold(held: boolean): void;
}

/** The receiving half of a transport: what the near end posts. */
export class Arrivals {
  readonly control = createControl();
  readonly #port: MessagePort;

  /** Starts the thread of the near end. */
  constructor(file: string, data: object) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const worker = new Worker(file, {
      name: 'forkful',
      // Loaders and hooks of the program have no business there.
      execArgv: [],
      env: {},
      workerData: { ...data, control: this.control, port: port2 },
      transferList: [port2],
    });
    worker.unref();
    port1.unref();
  }

  get port(): MessagePort {
    return this.#port;
  }

  receive(): Buffer | null | undefined {
    const received = receiveMessageOnPort(this.#port) as { message: ArrayBuffer | null } | undefined;
    return received && (received.message === null ? null : Buffer.from(received.message));
  }

  onArrival(listener: (bytes: Buffer | null) => void): void {
    this.#port.on('message', (memory: ArrayBuffer | null) => {
      listener(memory === null ? null : Buffer.from(memory));
    });
    this.#port.unref();
  }

  hold(held: boolean): void {
    if (held) this.#port.ref();
    else this.#port.unref();
  }
}
