import { AsyncResource } from 'node:async_hooks';
import { backend } from '../../backend';
import { onAbort, type AbortSignalAny } from './abort';
import {
  isMovable,
  queueOptionsSymbol,
  transferableSymbol,
  valueSymbol,
  type TransferListItem,
} from './symbols';
import type { PiscinaTask, Task } from './task-queue';
import type { Thread } from './thread';

let nextId = 0;

/** What `run` was asked for. */
export interface Request {
  readonly task: unknown;
  readonly transferList: readonly TransferListItem[];
  readonly filename: string;
  readonly name: string;
  readonly signal: AbortSignalAny | null;
}

/** A task from `run` to its outcome; until then it keeps the program alive. */
export class TaskInfo extends AsyncResource implements Task {
  readonly id = nextId++;
  readonly filename: string;
  readonly name: string;
  readonly task: unknown;
  readonly transferList: readonly unknown[];
  readonly isAbortable: boolean;
  readonly created = performance.now();
  started = 0;
  /** Ends it while it runs. */
  readonly stop = new AbortController();
  /** Where a load balancer has it run. */
  thread: Thread | undefined;
  /** What its worker did not catch. */
  uncaught: { readonly error: unknown } | undefined;
  readonly #settle: (ok: boolean, value: unknown) => void;
  isOver = false;
  #callOff: (() => void) | undefined;

  /** @param settle called once, with the result or the error */
  constructor(
    { task, transferList, filename, name, signal }: Request,
    triggerAsyncId: number,
    settle: (ok: boolean, value: unknown) => void,
  ) {
    super('Piscina.Task', { requireManualDestroy: true, triggerAsyncId });
    backend.hold(1);
    this.filename = filename;
    this.name = name;
    this.isAbortable = signal !== null;
    this.task = isMovable(task) ? task[valueSymbol] : task;
    this.transferList = isMovable(task) ? [...transferList, task[transferableSymbol]].flat() : transferList;
    this.#settle = settle;
  }

  get [queueOptionsSymbol](): object | null {
    return (this.task as { [queueOptionsSymbol]?: object } | null | undefined)?.[queueOptionsSymbol] ?? null;
  }

  /** What a load balancer sees. */
  get interface(): PiscinaTask {
    const { id: taskId, filename, name, created, isAbortable } = this;
    return { taskId, filename, name, created, isAbortable, [queueOptionsSymbol]: this[queueOptionsSymbol] };
  }

  whenAborted(signal: AbortSignalAny | null, act: () => void): void {
    if (signal !== null) this.#callOff = onAbort(signal, act);
  }

  /** The first outcome counts. */
  done(ok: boolean, value: unknown): void {
    if (this.isOver) return;
    this.runInAsyncScope(this.#settle, undefined, ok, value);
    this.drop();
  }

  /** It has no outcome any more. */
  drop(): void {
    if (this.isOver) return;
    this.isOver = true;
    backend.hold(-1);
    this.#callOff?.();
    this.emitDestroy();
  }
}
