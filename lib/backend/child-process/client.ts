import { isMainThread } from 'node:worker_threads';
import { Control, MOST_SLOTS } from './control';
import { Op, eachFrame, header, type Frame } from './frames';
import { hubGone } from './gone';
import type { ObjectOrder } from './hub/hub';
import { nameOf } from './names';
import type { Transport } from './transport';

/** Off the main thread a blocked call returns to JavaScript this often (ms): worker.terminate() must work. */
const SLICE = isMainThread ? Infinity : 100;

const TO_ENDPOINTS: ReadonlySet<number> = new Set([
  Op.Item,
  Op.Gone,
  Op.End,
  Op.Readable,
  Op.Shut,
  Op.Recall,
]);

/** What an endpoint wants to hear. Called between frames; `pump` when all that came together has been told. */
export interface EndpointEvents {
  onFrame(frame: Frame): void;
  pump(): void;
  /** The hub is gone. */
  abandoned(): void;
}

/** This process's side of all that it shares with the hub. Its handlers only ever settle promises and keep messages. */
export class Client {
  connection = 1;
  /** Set by a child that waits for its first frame. */
  onOrders: ((frame: Frame) => unknown) | undefined;
  readonly #transport: Transport;
  readonly #endpoints = new Map<number, EndpointEvents>();
  readonly #requests = new Map<number, (frame: Frame | undefined) => unknown>();
  readonly #touched = new Set<EndpointEvents>();
  #nextRequest = 1;
  #nextSerial = 0;
  #nextSlot: number = Control.FirstSlot;
  readonly #freeSlots: number[] = [];
  #holds = 0;
  #gone = false;

  constructor(transport: Transport) {
    this.#transport = transport;
    transport.onArrival((bytes) => {
      this.#take(bytes);
    });
    process.on('exit', () => {
      if (!this.#gone) transport.flush();
    });
  }

  get control(): Int32Array {
    return this.#transport.control;
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Creates an object, open at each of its endpoints. Returns its name, which is that of its first endpoint. */
  create(order: ObjectOrder): number {
    const name = nameOf(this.connection, this.#nextSerial++, order);
    this.post(header(Op.Create, name), Buffer.from(JSON.stringify(order)));
    return name;
  }

  /** Sends a frame. It is on its way at the latest when what runs now is done; in a child at once. */
  post(...frame: Parameters<Transport['post']>): void {
    if (this.#gone) throw hubGone();
    this.#transport.post(...frame);
    this.#transport.flushSoon();
  }

  /** Like {@link post}, for several frames: follow them with one of the flushes. */
  gather(...frame: Parameters<Transport['post']>): void {
    if (this.#gone) throw hubGone();
    this.#transport.post(...frame);
  }

  flushSoon(): void {
    if (!this.#gone) this.#transport.flushSoon();
  }

  /** After {@link gather}: for what the hub need not know before this process does anything else. */
  flushLate(): void {
    if (!this.#gone) this.#transport.flushLate();
  }

  flush(): void {
    if (!this.#gone) this.#transport.flush();
  }

  attach(endpoint: number, events: EndpointEvents): void {
    this.#endpoints.set(endpoint, events);
  }

  detach(endpoint: number): void {
    this.#endpoints.delete(endpoint);
  }

  /** A number for a request; its handler hears all frames that carry it, and undefined if the hub is gone. */
  request(handler: (frame: Frame | undefined) => unknown): number {
    const request = this.#nextRequest;
    this.#nextRequest = (this.#nextRequest % (2 ** 32 - 1)) + 1;
    this.#requests.set(request, handler);
    return request;
  }

  finish(request: number): void {
    this.#requests.delete(request);
  }

  /** Asks, and blocks until the hub has answered. It always does at once. */
  ask(post: (request: number) => void): Frame {
    const answers: (Frame | undefined)[] = [];
    const request = this.request((frame) => answers.push(frame));
    post(request);
    this.runUntil(() => answers.length > 0, Infinity);
    this.finish(request);
    const [answer] = answers;
    if (answer === undefined) throw hubGone();
    return answer;
  }

  /** A claim word for an endpoint that receives. */
  takeSlot(): number {
    const slot = this.#freeSlots.pop() ?? this.#nextSlot++;
    if (slot >= Control.FirstSlot + MOST_SLOTS) {
      throw new RangeError(
        `expected at most ${MOST_SLOTS} queues and connections that receive in one process`,
      );
    }
    Atomics.store(this.control, slot, 0);
    return slot;
  }

  /** One handle more of what this process has one of. */
  open(endpoint: number): void {
    this.post(header(Op.Open, endpoint));
  }

  /** One handle less. The claim word is free when the hub knows. */
  close(endpoint: number, slot?: number): void {
    if (this.#gone) return;
    const request = this.request(() => {
      this.finish(request);
      if (slot !== undefined) this.#freeSlots.push(slot);
    });
    this.post(header(Op.Close, endpoint, request));
  }

  /** {@link hold}, to be handed on. */
  readonly holder = (delta: 1 | -1): void => {
    this.hold(delta);
  };

  /** Keeps the event loop alive once more, or once less. */
  hold(delta: 1 | -1): void {
    const before = this.#holds;
    this.#holds += delta;
    if ((before === 0) !== (this.#holds === 0)) this.#transport.hold(this.#holds > 0);
  }

  /** Blocks until something has come, at most `timeout` ms, and handles it. */
  run(timeout: number): void {
    this.flush();
    const { control } = this;
    const seen = Atomics.load(control, Control.Arrivals);
    if (this.#takeAll() || timeout <= 0 || this.#gone) return;
    Atomics.wait(control, Control.Arrivals, seen, Math.min(timeout, SLICE));
    this.#takeAll();
  }

  runUntil(done: () => boolean, timeout: number): boolean {
    const end = performance.now() + timeout;
    for (;;) {
      if (done()) return true;
      const left = end - performance.now();
      if (left <= 0 || this.#gone) {
        this.run(0);
        return done();
      }
      this.run(left);
    }
  }

  #takeAll(): boolean {
    let any = false;
    for (;;) {
      const bytes = this.#transport.receive();
      if (bytes === undefined) return any;
      any = true;
      this.#take(bytes);
    }
  }

  #take(bytes: Buffer | null): void {
    if (bytes === null) {
      this.#lose();
      return;
    }
    eachFrame(bytes, (frame) => {
      if (TO_ENDPOINTS.has(frame.op)) {
        const endpoint = this.#endpoints.get(frame.object);
        if (endpoint === undefined) return;
        endpoint.onFrame(frame);
        this.#touched.add(endpoint);
      } else if (frame.op === Op.Orders) {
        this.connection = frame.a;
        this.onOrders?.(frame);
      } else {
        this.#requests.get(frame.a)?.(frame);
      }
    });
    this.#pump();
  }

  #pump(): void {
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const endpoint of touched) endpoint.pump();
    this.flushSoon();
  }

  #lose(): void {
    this.#gone = true;
    for (const handler of [...this.#requests.values()]) handler(undefined);
    this.#requests.clear();
    for (const endpoint of [...this.#endpoints.values()]) endpoint.abandoned();
  }
}
