import { AsyncLocalStorage } from 'node:async_hooks';
import { InvalidStateError } from '../errors';
import type { TaskMessage } from './protocol';
import type { StopRequests } from './stop-requests';

/** What a task can know of itself, in the worker that runs it. */
export interface CurrentTask {
  /** As in the errors that name a task. */
  readonly id: number;
  /** 1 for the first run; more after a worker was lost, with the option `retries`. */
  readonly attempt: number;
  /** The N of the worker's name, PoolWorker-N. */
  readonly workerId: number;
  /** Aborted when the task should end: the call was aborted or cancelled, or the task has used up its `taskTimeout`. */
  readonly signal: AbortSignal;
  /** Whether {@link signal} is aborted; true also in a loop that never gives the event loop a turn. */
  readonly aborted: boolean;
  /** Tells the caller's `progress` function how far it has come. @throws SerializationError if the value cannot be sent */
  progress(value: unknown): void;
}

/** A message's items are run one after the other; this is the one that runs. */
export class Execution implements CurrentTask {
  readonly #order: TaskMessage;
  readonly #item: number;
  readonly #requests: StopRequests;
  readonly #tell: Surroundings['tell'];
  readonly workerId: number;

  constructor(order: TaskMessage, item: number, { requests, workerId, tell }: Surroundings) {
    this.#order = order;
    this.#item = item;
    this.#requests = requests;
    this.#tell = tell;
    this.workerId = workerId;
  }

  progress(value: unknown): void {
    this.#tell(this.id, value);
  }

  get id(): number {
    return this.#order.id;
  }

  get attempt(): number {
    return this.#item === this.#order.skip ? this.#order.attempt : 1;
  }

  get signal(): AbortSignal {
    return this.#requests.signalOf(this.id, this.#item);
  }

  get aborted(): boolean {
    return this.#requests.look(this.id, this.#item);
  }
}

/** The item that runs. Changes with every item, so that nothing need be made for those who do not ask. */
export interface Running {
  readonly order: TaskMessage;
  item: number;
  /** When (performance.now()) it began. */
  began: number;
  made: Execution | undefined;
}

interface Surroundings {
  readonly requests: StopRequests;
  readonly workerId: number;
  /** Sends what a task says of its progress. */
  readonly tell: (task: number, value: unknown) => void;
}

let surroundings: Surroundings | undefined;
let running: Running | undefined;
/** Needed only where several tasks run at once. */
const storage = new AsyncLocalStorage<Running>();

export function beWorker(as: Surroundings): void {
  surroundings = as;
}

/** From now on this is what runs. */
export function nowRuns(next: Running | undefined): void {
  running = next;
}

/** Like {@link nowRuns}, for all that `run` starts. */
export function whileRunning<T>(what: Running, run: () => T): T {
  return storage.run(what, run);
}

/**
 * The task that runs here.
 * @throws InvalidStateError outside of a pool's task
 */
export function currentTask(): CurrentTask {
  const now = storage.getStore() ?? running;
  if (now === undefined || surroundings === undefined) {
    throw new InvalidStateError(
      'currentTask() is for functions that a pool runs; nothing of a pool runs here',
    );
  }
  return (now.made ??= new Execution(now.order, now.item, surroundings));
}
