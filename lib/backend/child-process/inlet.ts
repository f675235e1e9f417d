import { ClosedError } from '../../errors';
import { Fifo } from '../../fifo';
import { NOTHING, type Decode, type Nothing, type Wait } from '../backend';
import type { Client } from './client';
import { claim } from './control';
import { Op, State, header, type Frame } from './frames';
import { hubGone } from './gone';
import { Pending } from '../pending';
import { ArrivedMessage } from './rights';

/** Messages asked for at once by who takes all that comes. */
const SUBSCRIPTION = 64;

/** A message lent to this process. */
class Arrived extends ArrivedMessage {
  readonly index: number;

  constructor(frame: Frame) {
    super(frame);
    this.index = frame.a;
  }
}

/**
 * Where the messages of one endpoint arrive in this process, whatever the number of its handles here. Messages that
 * have arrived are only lent: each is claimed when somebody takes it, and skipped if the hub was faster.
 */
export class Inlet {
  readonly #client: Client;
  readonly #endpoint: number;
  readonly #endError: () => Error;
  readonly #arrived = new Fifo<Arrived>();
  readonly #receiving: Pending;
  readonly #watching: Pending;
  #slot: number | undefined;
  /** Whether the hub knows that somebody waits here. */
  #asked = false;
  /** Whether messages come without being asked for. */
  #standing = false;
  #watched = false;
  #ended = false;
  #subscriber: (() => void) | undefined;

  constructor(client: Client, endpoint: number, endError: () => Error) {
    this.#client = client;
    this.#endpoint = endpoint;
    this.#endError = endError;
    this.#receiving = new Pending(client.holder, () => {
      this.#loseInterest();
    });
    this.#watching = new Pending(client.holder, () => undefined);
  }

  get slot(): number | undefined {
    return this.#slot;
  }

  tryReceive<T>(decode: Decode<T>): T | Nothing {
    return this.#receiving.size > 0 ? NOTHING : this.#take(decode);
  }

  tryReceiveMany<T>(max: number, decode: Decode<T>): T[] {
    const values: T[] = [];
    if (this.#receiving.size > 0) return values;
    while (values.length < max) {
      const message = this.#claim();
      if (message === undefined) break;
      values.push(decode(message));
    }
    this.#client.flushLate();
    return values;
  }

  receive<T>(decode: Decode<T>, wait: Wait, handle: object): Promise<T> {
    return new Promise((resolve, reject) => {
      const value = this.tryReceive(decode);
      if (value !== NOTHING) {
        resolve(value);
      } else if (wait.timeout <= 0) {
        this.#poll(1, () => {
          try {
            const late = this.tryReceive(decode);
            if (late === NOTHING) reject(wait.timedOut());
            else resolve(late);
          } catch (error) {
            reject(error);
          }
        });
      } else {
        this.#wait(decode, resolve, reject, wait, handle);
      }
    });
  }

  async receiveMany<T>(max: number, decode: Decode<T>, wait: Wait, handle: object): Promise<T[]> {
    const values = this.tryReceiveMany(max, decode);
    if (values.length === max) return values;
    await new Promise<void>((resolve) => {
      this.#poll(max - values.length, resolve);
    });
    values.push(...this.tryReceiveMany(max - values.length, decode));
    return values.length > 0 ? values : [await this.receive(decode, wait, handle)];
  }

  receiveSync<T>(decode: Decode<T>, timeout: number): T | Nothing {
    const end = performance.now() + timeout;
    if (this.#receiving.size > 0 && !this.#client.runUntil(() => this.#receiving.size === 0, timeout))
      return NOTHING;
    for (;;) {
      const value = this.#take(decode);
      if (value !== NOTHING) return value;
      const left = end - performance.now();
      if (left <= 0) return this.#pollSync(1) ? this.#take(decode) : NOTHING;
      this.#ask(1);
      // What was to come without being asked for does not when another consumer has come: then this one asks again.
      const toldOrForgotten = () =>
        this.#arrived.length > 0 || this.#ended || (!this.#asked && !this.#standing);
      if (!this.#client.runUntil(toldOrForgotten, left)) this.#loseInterest();
    }
  }

  receiveManySync<T>(max: number, decode: Decode<T>, timeout: number): T[] {
    const end = performance.now() + timeout;
    const values = this.tryReceiveMany(max, decode);
    if (values.length < max && this.#pollSync(max - values.length)) {
      values.push(...this.tryReceiveMany(max - values.length, decode));
    }
    if (values.length === 0 && timeout > 0) {
      const value = this.receiveSync(decode, end - performance.now());
      if (value !== NOTHING) values.push(value);
    }
    return values;
  }

  readable(): boolean {
    if (this.#isReadable()) return true;
    const answer = this.#client.ask((request) => {
      this.#client.post(header(Op.Look, this.#endpoint, request));
    });
    return answer.b > 0 || (answer.c & State.Ended) !== 0;
  }

  size(): { count: number; full: boolean } {
    const answer = this.#client.ask((request) => {
      this.#client.post(header(Op.Look, this.#endpoint, request));
    });
    return { count: answer.b, full: (answer.c & State.Full) !== 0 };
  }

  whenReadable(listener: () => void, handle: object): () => void {
    if (this.#isReadable()) {
      listener();
      return () => undefined;
    }
    const attempt = () => {
      if (this.#watched && !this.#isReadable()) return false;
      listener();
      return true;
    };
    if (!this.#watched) this.#client.post(header(Op.Watch, this.#endpoint));
    this.#watched = true;
    return this.#watching.add(
      { attempt, reject: listener },
      { timeout: Infinity, signal: undefined, timedOut: () => new Error(), owner: this },
      handle,
    );
  }

  /** Calls the listener whenever something has come; used instead of the waiting forms. */
  subscribe(listener: (() => void) | undefined): void {
    this.#subscriber = listener;
    if (listener !== undefined) this.pump();
  }

  onFrame(frame: Frame): void {
    if (frame.op === Op.Item) {
      this.#asked = false;
      this.#standing = frame.b === 1;
      this.#arrived.push(new Arrived(frame));
    } else if (frame.op === Op.End) {
      this.#ended = true;
    } else if (frame.op === Op.Readable) {
      this.#watched = false;
    } else if (frame.op === Op.Recall) {
      this.#standing = false;
    }
  }

  pump(): void {
    this.#receiving.pump();
    if (this.#receiving.size > 0 && this.#arrived.length === 0) this.#ask(1);
    while (this.#subscriber !== undefined && (this.#arrived.length > 0 || this.#ended)) {
      const before = this.#arrived.length;
      this.#subscriber();
      if (this.#arrived.length === before) break;
    }
    if (this.#subscriber !== undefined && !this.#ended) this.#ask(SUBSCRIPTION);
    this.#watching.pump();
  }

  abandoned(): void {
    this.#ended = true;
    this.#receiving.rejectAll(hubGone);
    this.#watching.rejectAll(hubGone);
    this.pump();
  }

  /** A handle of this process is closed: its calls that still wait reject. */
  close(handle: object): void {
    const error = () => new ClosedError('the object was closed while this call waited for a message');
    this.#receiving.rejectAll(error, handle);
    this.#watching.rejectAll(error, handle);
  }

  #isReadable(): boolean {
    for (let next = this.#arrived.peek(); next !== undefined; next = this.#arrived.peek()) {
      if (this.#slot !== undefined && Atomics.load(this.#client.control, this.#slot) === (next.index | 0))
        return true;
      this.#arrived.shift(); // recalled
    }
    return this.#ended;
  }

  /** The next message, which is this process's alone now. */
  #claim(): Arrived | undefined {
    for (let next = this.#arrived.shift(); next !== undefined; next = this.#arrived.shift()) {
      if (this.#slot === undefined || !claim(this.#client.control, this.#slot, next.index)) continue;
      // Told at once: what a process has claimed when it ends is not given to another one.
      this.#client.gather(header(Op.Ack, this.#endpoint, (next.index + 1) >>> 0));
      return next;
    }
    return undefined;
  }

  #take<T>(decode: Decode<T>): T | Nothing {
    const message = this.#claim();
    if (message === undefined) {
      if (this.#ended) throw this.#client.gone ? hubGone() : this.#endError();
      return NOTHING;
    }
    this.#client.flushLate();
    return decode(message);
  }

  #wait<T>(
    decode: Decode<T>,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
    wait: Wait,
    handle: object,
  ): void {
    const attempt = () => {
      try {
        const value = this.#take(decode);
        if (value === NOTHING) return false;
        resolve(value);
      } catch (error) {
        reject(error);
      }
      return true;
    };
    this.#receiving.add({ attempt, reject }, wait, handle);
    this.#ask(1);
  }

  #ask(max: number): void {
    if (this.#asked || this.#standing || this.#ended) return;
    this.#asked = true;
    this.#client.post(header(Op.Get, this.#endpoint, this.#claimSlot(), max));
  }

  #loseInterest(): void {
    if (this.#receiving.size > 0 || this.#subscriber !== undefined || this.#client.gone) return;
    if (!this.#asked && !this.#standing) return;
    this.#asked = false;
    this.#standing = false;
    this.#client.post(header(Op.Unget, this.#endpoint));
  }

  /** Asks for what is there now; `done` when it has arrived. */
  #poll(max: number, done: () => void): void {
    const request = this.#client.request((frame) => {
      this.#client.finish(request);
      this.#client.hold(-1);
      if (frame !== undefined && (frame.c & State.Ended) !== 0) this.#ended = true;
      done();
    });
    this.#client.hold(1);
    this.#client.post(header(Op.Poll, this.#endpoint, this.#claimSlot(), max, request));
  }

  /** Whether anything has come by it, or never will. */
  #pollSync(max: number): boolean {
    const answer = this.#client.ask((request) => {
      this.#client.post(header(Op.Poll, this.#endpoint, this.#claimSlot(), max, request));
    });
    if ((answer.c & State.Ended) !== 0) this.#ended = true;
    return this.#arrived.length > 0 || this.#ended;
  }

  #claimSlot(): number {
    return (this.#slot ??= this.#client.takeSlot());
  }
}
