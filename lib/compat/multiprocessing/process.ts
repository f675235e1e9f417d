import type { StartMethod } from '../../backend/backend';
import { instanceReference, instantiate, load, type TargetReference } from '../../function-ref';
import { invalid } from '../../options';
import { activeChildren, currentProcess, Process as Native, parentProcess, type Target } from '../../process';
import type { Sentinel } from '../../sentinel';
import { argumentsWith, isGiven, type Keywords } from './keywords';
import { within, type Seconds } from './seconds';

/** Python's keyword arguments of `Process`. */
export interface ProcessKeywords {
  readonly group?: null;
  /** An exported function, or what else `forkful` takes. A subclass overrides `run()` instead. */
  readonly target?: Target | null;
  readonly name?: string | null;
  readonly args?: readonly unknown[];
  /** An object that the target gets behind its `args`. */
  readonly kwargs?: Keywords;
  readonly daemon?: boolean | null;
  /** Which start method to use. @default the program's */
  readonly context?: { readonly method: StartMethod };
}

const wrappers = new WeakMap<Native, Process>();
/** Marks the wrapper of a process that exists. */
const EXISTS = Symbol('exists');

type Job = Extract<TargetReference, { kind: 'object' }>;

/** The fields go apart: as arguments they may hold queues and locks. */
function jobOf(process: Process): [Job, Job['fields']] {
  const { fields, ...where } = instanceReference(process) as Job;
  return [{ ...where, fields: {} }, fields];
}

/** In the child: what a subclass overrides, on an object that has the fields of the parent's. */
export async function runJob(job?: Job, fields: Job['fields'] = {}): Promise<unknown> {
  if (job === undefined) return undefined; // as in Python: nothing to do
  const { Class } = (await load(job)) as { Class: { readonly prototype: object } };
  return instantiate(Class, fields).run();
}

/** Python's `multiprocessing.Process`: `new Process({ target, args })`, or an exported subclass that overrides `run()`. */
export class Process {
  readonly #native: Native;
  /** What {@link runJob} gets; filled in at the start. */
  readonly #job: unknown[] = [];

  constructor(keywords: ProcessKeywords = {}) {
    const existing = (keywords as { [EXISTS]?: Native })[EXISTS];
    const { group, target, name, args = [], kwargs, daemon, context } = keywords;
    if (isGiven(group)) throw invalid('Process argument "group"', 'null', group);
    this.#native =
      existing ??
      new Native({
        ...(isGiven(target)
          ? { target, args: argumentsWith(args, kwargs) as unknown[] }
          : { target: runJob, args: this.#job }),
        ...(isGiven(name) && { name }),
        ...(isGiven(daemon) && { daemon }),
        ...(context !== undefined && { context }),
      });
    wrappers.set(this.#native, this);
  }

  /** What the child does; a subclass overrides it, and its own public fields travel with it. */
  run(): unknown {
    return undefined;
  }

  /** The object of `forkful` that does the work. In `run()`, which runs in the child, that is the child itself. */
  get native(): Native {
    return #native in this ? this.#native : currentProcess();
  }

  get name(): string {
    return this.native.name;
  }

  set name(name: string) {
    this.native.name = name;
  }

  get daemon(): boolean {
    return this.native.daemon;
  }

  set daemon(daemon: boolean) {
    this.native.daemon = daemon;
  }

  /** null before the start. */
  get pid(): number | null {
    return this.native.pid ?? null;
  }

  get ident(): number | null {
    return this.pid;
  }

  /** null while it has not ended; minus the number of the signal that ended it. */
  get exitcode(): number | null {
    if (this.native.pid !== undefined) this.native.isAlive(); // notices an end without a turn of the event loop
    return this.native.exitCode;
  }

  /** For `connection.wait`. */
  get sentinel(): Sentinel {
    return this.native.sentinel;
  }

  /** Starts it; blocks until it has a pid. @throws UnsupportedError by 'fork', which cannot start a process so */
  start(): void {
    this.#job.splice(0, Infinity, ...(this.run === Process.prototype.run ? [] : jobOf(this)));
    this.native.startSync();
  }

  /** Waits until it has ended, at most `timeout` seconds. */
  join(timeout?: Seconds): void {
    this.native.joinSync(within('join', timeout));
  }

  is_alive(): boolean {
    return this.native.isAlive();
  }

  terminate(): void {
    this.native.terminate();
  }

  kill(): void {
    this.native.kill();
  }

  interrupt(): void {
    this.native.interrupt();
  }

  /** @throws InvalidStateError (Python's ValueError) while it runs */
  close(): void {
    this.native.close();
  }
}

function wrapperOf(native: Native): Process {
  return wrappers.get(native) ?? new Process({ [EXISTS]: native } as ProcessKeywords);
}

export function active_children(): Process[] {
  return activeChildren().map(wrapperOf);
}

export function current_process(): Process {
  return wrapperOf(currentProcess());
}

/** null in the main process. */
export function parent_process(): { readonly pid: number; readonly name: string } | null {
  return parentProcess() ?? null;
}
