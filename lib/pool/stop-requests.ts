import { backend } from '../backend';
import type { Duplex } from '../backend/backend';
import { EndOfFileError } from '../errors';
import type { Control } from './control';

/** Requests kept; what is older came too late for its task. */
const MOST_REQUESTS = 4096;
/** How often (ms) a busy task that asks is answered from the ring, rather than from what is known. */
const LOOK_INTERVAL = 1;

interface Request {
  /** undefined: the whole task. */
  readonly item: number | undefined;
  readonly reason: unknown;
}

/** What is used of the control link. */
export type ControlSource = Pick<Duplex<Control>, 'onReadable' | 'tryReceiveMany' | 'receiveManySync'>;

/** What else the control link brings. Never calls the user's code. */
export interface ControlEvents {
  stopped(task: number): void;
  granted(task: number, count: number): void;
}

/** In a worker: which of its tasks should end. */
export class StopRequests {
  readonly #control: ControlSource;
  readonly #requests = new Map<number, Request>();
  /** Those of the tasks that run, for whom asked. */
  readonly #controllers = new Map<number, { readonly item: number; readonly controller: AbortController }>();
  readonly #events: ControlEvents;
  #lookedAt = 0;

  constructor(control: ControlSource, events: ControlEvents) {
    this.#control = control;
    this.#events = events;
    control.onReadable(() => {
      this.#take(() => control.tryReceiveMany(16));
    });
  }

  /** Why the task should end; undefined also if it should not. */
  reasonOf(id: number): unknown {
    return this.#requests.get(id)?.reason;
  }

  /** Whether the item should end, as far as is known. */
  concerns(id: number, item: number): boolean {
    return this.#find(id, item) !== undefined;
  }

  /** Whether the rest of the task need not be run. */
  concernsAll(id: number): boolean {
    const request = this.#requests.get(id);
    return request !== undefined && request.item === undefined;
  }

  /** Whether it should end, as of now, whether or not the event loop has had a turn. */
  look(id: number, item: number): boolean {
    if (this.#find(id, item) !== undefined) return true;
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_INTERVAL) return false;
    this.#lookedAt = now;
    this.#take(() => this.#control.receiveManySync(16, 0));
    return this.#find(id, item) !== undefined;
  }

  signalOf(id: number, item: number): AbortSignal {
    let entry = this.#controllers.get(id);
    if (entry?.item !== item) {
      // A task may wait for nothing but its signal: that must not look like an event loop that has ended.
      if (this.#controllers.size === 0) backend.hold(1);
      entry = { item, controller: new AbortController() };
      this.#controllers.set(id, entry);
      const request = this.#find(id, item);
      if (request !== undefined) entry.controller.abort(request.reason);
    }
    return entry.controller.signal;
  }

  /** The task is over, or was given back. */
  forget(id: number): void {
    this.#requests.delete(id);
    if (this.#controllers.delete(id) && this.#controllers.size === 0) backend.hold(-1);
  }

  /** Whether {@link forget} has anything to do. */
  get isEmpty(): boolean {
    return this.#requests.size === 0 && this.#controllers.size === 0;
  }

  #find(id: number, item: number): Request | undefined {
    const request = this.#requests.get(id);
    return request !== undefined && (request.item ?? item) === item ? request : undefined;
  }

  #take(receive: () => Control[]): void {
    let received: Control[];
    try {
      received = receive();
    } catch (error) {
      if (error instanceof EndOfFileError) return; // the pool is closing, or its process has ended
      throw error;
    }
    for (const control of received) {
      const { task } = control;
      if (control.kind === 'grant') {
        this.#events.granted(task, control.count);
        continue;
      }
      const { item, reason } = control;
      this.#requests.set(task, { item, reason });
      if (this.#requests.size > MOST_REQUESTS) {
        for (const oldest of this.#requests.keys()) {
          this.#requests.delete(oldest);
          break;
        }
      }
      this.#events.stopped(task);
      // Not now: this may be inside a blocking call, where nothing of the user's runs.
      if (this.#controllers.size > 0) queueMicrotask(() => this.#abort(task));
    }
  }

  #abort(task: number): void {
    const entry = this.#controllers.get(task);
    const request = entry && this.#find(task, entry.item);
    if (request !== undefined) entry?.controller.abort(request.reason);
  }
}
