import { AsyncResource } from 'node:async_hooks';
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

/** A task from `run` to its outcome. */
export class TaskInfo extends AsyncResource implements Task {
  readonly id = nextId++;
  readonly filename: string;
  readonly name: string;
  readonly value: unknown;
  readonly transferList: readonly unknown[];
  readonly isAbortable: boolean;
  readonly created = performance.now();
  started = 0;
  aborted = false;
  /** Where it runs. */
  thread: Thread | undefined;
  /** What its worker did not catch. */
  uncaught: { readonly error: unknown } | undefined;
  readonly #settle: (ok: boolean, value: unknown) => void;
  #isOver = false;
  #callOff: (() => void) | undefined;

  /** @param settle called once, with the result or the error */
  constructor(
    { task, transferList, filename, name, signal }: Request,
    triggerAsyncId: number,
    settle: (ok: boolean, value: unknown) => void,
  ) {
    super('Piscina.Task', { requireManualDestroy: true, triggerAsyncId });
    this.filename = filename;
    this.name = name;
    this.isAbortable = signal !== null;
    this.value = isMovable(task) ? task[valueSymbol] : task;
    this.transferList = isMovable(task) ? [...transferList, task[transferableSymbol]].flat() : transferList;
    this.#settle = settle;
  }

  get [queueOptionsSymbol](): object | null {
    return (this.value as { [queueOptionsSymbol]?: object } | null | undefined)?.[queueOptionsSymbol] ?? null;
  }

  /** What a load balancer sees. */
  get interface(): PiscinaTask {
    const { id: taskId, filename, name, created, isAbortable } = this;
    return { taskId, filename, name, created, isAbortable, [queueOptionsSymbol]: this[queueOptionsSymbol] };
  }

  whenAborted(signal: AbortSignalAny, act: () => void): void {
    this.#callOff = onAbort(signal, () => {
      this.aborted = true;
      act();
    });
  }

  /** The first outcome counts. */
  done(ok: boolean, value: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#callOff?.();
    this.runInAsyncScope(this.#settle, undefined, ok, value);
    this.emitDestroy();
  }
}
