import './dispose';
import type { Readable } from 'node:stream';
import { backend } from './backend';
import type { Child, ExitStatus, ForkedBody, Preload, StartMethod, Stdio } from './backend/backend';
import { endSoon, isEnding, track } from './children';
import { currentIdentity, isImporting, nextName } from './current';
import { debug } from './debug';
import { bodyByOrders, bodyOf } from './forked-child';
import { forkGeneration, whenForked } from './forked';
import {
  BootstrapError,
  ClosedError,
  InvalidArgumentError,
  InvalidStateError,
  ProcessExitError,
  UnsupportedError,
} from './errors';
import { callableHere, instanceReference, referTo, type TargetReference } from './function-ref';
import { decodeReport, encodeStart, type Encoded, type Report } from './messages';
import {
  flag,
  invalid,
  list,
  oneOf,
  record,
  text,
  texts,
  timeoutOption,
  type SyncWaitOptions,
  type WaitOptions,
  waitOptions,
} from './options';
import { Sentinel } from './sentinel';
import { describeExit, pythonExitCode, signalNumber } from './signals';
import { programPreload, withMore } from './preload';
import { checkStartMethod, startMethodFor } from './start-method';
import { within } from './within';

/** An exported function, {@link ref}, {@link refs}, {@link inline}, or an object of an exported class with `run()`. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the one type that every function is assignable to
export type Target<A extends any[] = any[], R = unknown> =
  | ((...args: A) => R | PromiseLike<R>)
  | {
      /** Called in the child with the arguments. */
      run(...args: A): R | PromiseLike<R>;
    }
  | {
      /** As {@link ref} takes it. */
      readonly module: string;
      /** Of the export: `f`, `default` or a path such as `Class.staticMethod`. */
      readonly name: string;
    };

/** What a process runs, and in what surroundings. */
export interface ProcessOptions<A extends unknown[] = unknown[], R = unknown> {
  /** What the child runs. A subclass overrides `run()` instead. */
  readonly target?: Target<A, R>;
  /** Serialized when the process is started; under `fork` anything at all. @default [] */
  readonly args?: A;
  /** @default 'Process-N' */
  readonly name?: string;
  /** Ends with this process instead of being waited for. @default that of the creating process */
  readonly daemon?: boolean;
  /**
   * Where the child's stdout and stderr lead to: where this process's do, to {@link Process.stdout} and
   * {@link Process.stderr}, or nowhere. Its stdin is empty. @default 'inherit'
   */
  readonly stdio?: 'inherit' | 'pipe' | 'ignore';
  /** Precedes each line that the child prints by `process.stdout` and `process.stderr`; true: `[name] `. @default false */
  readonly linePrefix?: boolean | string;
  /** The child's environment. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** @default that of this process */
  readonly cwd?: string;
  /** Node's own arguments. @default process.execArgv without those for debugging and evaluating */
  readonly execArgv?: readonly string[];
  /** Outlives this process, in a session of its own. @default false */
  readonly detached?: boolean;
  /** Which start method to use. @default the program's */
  readonly context?: {
    /** As of {@link Context}. */
    readonly method: StartMethod;
  };
}

const KEYS = [
  'target',
  'args',
  'name',
  'daemon',
  'stdio',
  'linePrefix',
  'env',
  'cwd',
  'execArgv',
  'detached',
  'context',
] as const;

interface Settings {
  readonly stdio: Stdio;
  readonly linePrefix: boolean | string;
  readonly env: Readonly<Record<string, string | undefined>> | undefined;
  readonly cwd: string | undefined;
  readonly execArgv: readonly string[] | undefined;
  readonly detached: boolean;
  readonly method: StartMethod | undefined;
  /** undefined: the program's */
  readonly preload: Preload | undefined;
}

/** Marks, in a child, the construction of the object that stands for the child itself. */
const SELF = Symbol('self');
const NO_MESSAGE: Encoded = { data: Buffer.alloc(0), length: 0, shares: [] };

/** Set by the pool for its workers. */
export const WORKER = Symbol('worker');

/** The {@link Preload} of a context that has one of its own. */
export const PRELOAD = Symbol('preload');

/** What the pool's workers have beside the options of a process. */
export interface WorkerMark {
  /** What each of them would load and exercise, which their forkserver can do for all. */
  readonly ahead: Pick<Preload, 'modules' | 'warmups' | 'limit'> | undefined;
}

export type WorkerOptions = ProcessOptions & { readonly [WORKER]: WorkerMark };

/**
 * A process that runs a function: `new Process({ target, args })`, or a subclass that overrides {@link run}. Nothing
 * happens before {@link start}.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- inferred from the target
export class Process<R = unknown, A extends unknown[] = any[]> {
  #target: Target<A, R> | undefined;
  #args: readonly unknown[];
  #name: string;
  #daemon: boolean;
  readonly #settings: Settings;
  #isSelf: boolean;
  /** Of the process that made this object, which a fork copies. */
  #generation = forkGeneration();
  readonly #worker: WorkerMark | undefined;
  #child: Child<Report> | undefined;
  /** The event loop has not come round to it yet. */
  #isForking = false;
  #state: 'new' | 'running' | 'ended' | 'closed' = 'new';
  #status: ExitStatus | undefined;
  #report: Report | undefined;
  #startError: unknown;
  #waiters: (() => void)[] = [];
  #holders = 0;
  #sentinel: Sentinel | undefined;

  constructor(options: ProcessOptions<A, R> = {}) {
    const self = (options as { [SELF]?: true })[SELF] === true;
    const given = record('Process options', options, KEYS);
    this.#isSelf = self;
    this.#worker = (options as { [WORKER]?: WorkerMark })[WORKER];
    this.#target = given.target as Target<A, R> | undefined;
    this.#args = given.args === undefined ? [] : list('Process option "args"', given.args);
    this.#name = given.name === undefined ? nextName() : text('Process option "name"', given.name);
    this.#daemon =
      given.daemon === undefined
        ? currentIdentity().daemon && !currentIdentity().worker
        : flag('Process option "daemon"', given.daemon);
    this.#settings = {
      stdio:
        given.stdio === undefined
          ? 'inherit'
          : oneOf('Process option "stdio"', given.stdio, ['inherit', 'pipe', 'ignore']),
      linePrefix: given.linePrefix === undefined ? false : prefix(given.linePrefix),
      env: environment(given.env),
      cwd: given.cwd === undefined ? undefined : text('Process option "cwd"', given.cwd),
      execArgv: given.execArgv === undefined ? undefined : texts('Process option "execArgv"', given.execArgv),
      detached: given.detached !== undefined && flag('Process option "detached"', given.detached),
      method: given.context === undefined ? undefined : contextMethod(given.context),
      preload: (given.context as { [PRELOAD]?: Preload } | undefined)?.[PRELOAD],
    };
    if (self) this.#state = 'running';
  }

  /** What the child does; the default calls `target` with `args`. Override it in an exported subclass. */
  run(..._args: A): R | PromiseLike<R> {
    throw new InvalidStateError(
      'run() of a Process is called in its child, by start(); call the target itself instead',
    );
  }

  /** What it is called in messages, and in the child; not unique. */
  get name(): string {
    return this.#name;
  }

  /** @throws InvalidArgumentError if it is no string */
  set name(name: string) {
    this.#name = text('Process name', name);
  }

  /** Whether it ends with this process instead of being waited for. */
  get daemon(): boolean {
    return this.#daemon;
  }

  /** @throws InvalidStateError once it has been started */
  set daemon(daemon: boolean) {
    if (this.#state !== 'new')
      throw new InvalidStateError('daemon can be set before the process is started only');
    this.#daemon = flag('Process daemon', daemon);
  }

  /** undefined before the start. */
  get pid(): number | undefined {
    this.#mustBeOpen();
    return this.#isSelf ? process.pid : this.#child?.pid;
  }

  /**
   * null while it has not ended; 0 … 255 (on Windows up to 2³² − 1), or minus the number of the signal that ended it.
   */
  get exitCode(): number | null {
    this.#mustBeOpen();
    return this.#status === undefined ? null : pythonExitCode(this.#status);
  }

  /** The signal that ended it, or null. */
  get signalCode(): NodeJS.Signals | null {
    this.#mustBeOpen();
    return this.#status?.signal ?? null;
  }

  /**
   * What the process prints, if its `stdio` is 'pipe', from the start on; else null. Read it: a process whose pipe is
   * full waits. It ends when all have ended that the process gave its stdout to, and keeps the event loop alive while
   * it is read, unless the process is a daemon or detached.
   */
  get stdout(): Readable | null {
    return this.#output(1);
  }

  /** Like {@link stdout}. */
  get stderr(): Readable | null {
    return this.#output(2);
  }

  #output(descriptor: 1 | 2): Readable | null {
    this.#mustBeOpen();
    return this.#child?.output(descriptor, !this.#daemon && !this.#settings.detached) ?? null;
  }

  /**
   * Starts the process; once only. Resolves when {@link pid} is set; what goes wrong in the child is told by
   * {@link result}.
   * @throws LaunchError if the system refuses another process, or `cwd` does not exist
   * @throws UnsupportedError if the start method was asked for, and is not safe in this program
   * @throws FunctionReferenceError if the child could not find the target
   * @throws SerializationError if an argument cannot be sent
   * @throws BootstrapError in a child that is still importing its modules
   */
  async start(): Promise<void> {
    const child = this.#launch();
    const error = await new Promise<unknown>((resolve) => {
      child.onStart(resolve);
    });
    if (error !== undefined) throw error;
  }

  /** @internal Like {@link start}, for a caller that must hear of it even while the thread is blocked. */
  startThen(told: (error: unknown) => void): void {
    let child: Child<Report>;
    try {
      child = this.#launch();
    } catch (error) {
      told(error);
      return;
    }
    child.onStart(told);
  }

  /** Like {@link start}, and blocks the thread meanwhile. */
  startSync(): void {
    if (startMethodFor(this.#settings.method).method === 'fork') {
      throw new UnsupportedError(
        "startSync() cannot start a process by 'fork', which takes a turn of the event loop; use `await start()`",
      );
    }
    const child = this.#launch();
    let outcome: { readonly error: unknown } | undefined;
    child.onStart((error) => {
      outcome = { error };
    });
    backend.runUntil(() => outcome !== undefined, Infinity);
    if (outcome?.error !== undefined) throw outcome.error;
  }

  #launch(): Child<Report> {
    this.#mustBeOpen();
    if (this.#state !== 'new')
      throw new InvalidStateError(`the process ${this.#name} has been started already`);
    this.#mustBeMine();
    this.#mayStart();
    const { stdio, env, cwd, execArgv, detached, method: asked } = this.#settings;
    const { method, fallback } = startMethodFor(asked);
    const byHeap = method === 'fork' && this.#worker === undefined;
    if (method === 'fork' && execArgv !== undefined) {
      throw new InvalidArgumentError(
        'Process option "execArgv" is for a Node of its own; under \'fork\' the child is a copy of this one: leave it out',
      );
    }
    const message = byHeap ? NO_MESSAGE : this.#orders();
    const fork = byHeap ? this.#forkedBody() : method === 'fork' ? bodyByOrders() : undefined;
    const child = backend.launch(
      {
        method,
        preload: this.#preload(),
        fallback,
        execArgv: execArgv ?? inheritedExecArgv(),
        argv: process.argv.slice(2),
        env: env ?? process.env,
        cwd,
        stdio,
        detached,
        message,
        shares: message.shares,
        ...(fork !== undefined && { fork }),
      },
      decodeReport,
    );
    this.#child = child;
    this.#state = 'running';
    this.#isForking = method === 'fork';
    child.onStart((error) => {
      if (error === undefined) this.#started(child, method);
      else this.#failed(error);
    });
    return child;
  }

  #orders(): Encoded {
    return encodeStart({
      name: this.#name,
      daemon: this.#daemon,
      linePrefix: this.#linePrefix(),
      detached: this.#settings.detached,
      parentPid: process.pid,
      parentName: currentIdentity().name,
      worker: this.#worker !== undefined,
      target: this.#reference(),
      args: this.#args,
    });
  }

  #preload(): Preload {
    const base = this.#settings.preload ?? programPreload();
    const ahead = this.#worker?.ahead;
    return ahead === undefined ? base : withMore(base, ahead);
  }

  #linePrefix(): string | undefined {
    const { linePrefix } = this.#settings;
    if (typeof linePrefix === 'string') return linePrefix;
    return linePrefix ? `[${this.#name}] ` : undefined;
  }

  /** The child is this object's copy. */
  #forkedBody(): ForkedBody {
    const identity = {
      name: this.#name,
      daemon: this.#daemon,
      worker: false,
      parent: { pid: process.pid, name: currentIdentity().name },
    };
    const run = this.#runner();
    const args = this.#args as A;
    return bodyOf({ identity, linePrefix: this.#linePrefix() }, () => {
      this.#becomeSelf();
      return run(...args);
    });
  }

  #runner(): (...args: A) => unknown {
    if (this.#target !== undefined) return callableHere(this.#target);
    this.#mustOverrideRun();
    return (...args) => this.run(...args);
  }

  #becomeSelf(): void {
    this.#isSelf = true;
    this.#generation = forkGeneration();
    this.#child = undefined;
    this.#status = undefined;
    this.#state = 'running';
    this.#waiters = [];
    setCurrent(this);
  }

  #started(child: Child<Report>, method: StartMethod): void {
    debug(`started ${this.#name} as ${child.pid ?? 0} by ${method}`);
    this.#isForking = false;
    this.#target = undefined;
    this.#args = [];
    activeProcesses.add(this);
    track(child, this.#daemon, this.#settings.detached);
    child.link.onReadable(() => {
      this.#drain();
    });
    child.onExit((status) => {
      this.#ended(status);
    });
  }

  /** There is no process. Another attempt may be made. */
  #failed(error: unknown): void {
    this.#child = undefined;
    this.#isForking = false;
    this.#state = 'new';
    this.#startError = error;
    this.#wake();
  }

  /**
   * Waits until the process has ended; whether it has.
   * @param options `timeout` in ms, 0 or less: just looks
   */
  async join(options?: WaitOptions): Promise<boolean> {
    const { timeout: limit, signal } = waitOptions('join', options);
    this.#mustBeStarted('join');
    signal?.throwIfAborted();
    if (this.#status !== undefined || limit <= 0) return this.#lookForEnd();
    return within(
      { timeout: limit, signal },
      () => false,
      (resolve, reject) => {
        const onEnd = () => {
          if (this.#state === 'new') reject(this.#startError);
          else if (this.#status !== undefined) resolve(true); // else a report, not the end
        };
        this.#waiters.push(onEnd);
        this.#hold(1);
        return () => {
          this.#waiters = this.#waiters.filter((waiter) => waiter !== onEnd);
          this.#hold(-1);
        };
      },
    );
  }

  /** @internal Called once it has ended; does not keep the event loop alive. */
  onEnded(listener: () => void): void {
    this.#child?.onExit(listener);
  }

  /** Like {@link join}, and blocks the thread meanwhile. */
  joinSync(options?: SyncWaitOptions): boolean {
    this.#mustBeStarted('joinSync');
    const timeout = timeoutOption('joinSync', options);
    if (this.#isForking && timeout === Infinity) {
      throw new InvalidStateError(
        "joinSync() would wait for ever: by 'fork' the process is started when the event loop comes round; `await start()` first",
      );
    }
    return backend.runUntil(() => this.#status !== undefined, timeout);
  }

  /**
   * What the target returned.
   * @throws the target's error
   * @throws ProcessExitError if the process ended without either
   */
  async result(): Promise<R> {
    this.#mustBeStarted('result');
    if (this.#report === undefined && this.#status === undefined) {
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve);
        this.#hold(1);
      });
      this.#hold(-1);
    }
    if (this.#state === 'new') throw this.#startError;
    const report = this.#report;
    if (report?.kind === 'result') return report.value as R;
    if (report?.kind === 'error') throw report.error;
    const status = this.#status ?? { exitCode: null, signal: null };
    throw new ProcessExitError(
      `the process ${this.#name} (pid ${this.#child?.pid ?? 0}) ended by ` +
        `${describeExit(status)} before its target returned`,
      { pid: this.#child?.pid ?? 0, exitCode: this.exitCode, signal: status.signal },
    );
  }

  /**
   * Ready when the process has ended: for {@link wait}.
   * @throws InvalidStateError before the start
   */
  get sentinel(): Sentinel {
    this.#mustBeStarted('sentinel');
    return (this.#sentinel ??= new Sentinel({
      readable: () => this.#status !== undefined,
      whenReadable: (listener) => this.#whenEnded(listener),
    }));
  }

  /** Whether it has been started and has not ended. @throws ClosedError after {@link close} */
  isAlive(): boolean {
    this.#mustBeOpen();
    if (this.#isSelf) return true;
    this.#mustBeMine();
    if (this.#state === 'running') this.#lookForEnd();
    return this.#state === 'running';
  }

  /** Asks the process to end (SIGTERM). Nothing happens if it has ended. */
  terminate(): void {
    this.kill('SIGTERM');
  }

  /** @internal SIGTERM, and SIGKILL if that does not help within a second. */
  endSoon(): void {
    if (this.#child !== undefined) endSoon(this.#child);
  }

  /**
   * Sends a signal. Nothing happens if the process has ended. Windows knows none: there SIGTERM, SIGKILL, SIGINT and
   * SIGQUIT end the process at once, whatever it listens to.
   * @throws InvalidArgumentError if this platform has no such signal
   */
  kill(signal: NodeJS.Signals | number = 'SIGKILL'): void {
    this.#mustBeStarted('kill');
    const number = signalNumber('kill argument "signal"', signal);
    this.#child?.kill(number);
  }

  /** Sends SIGINT, as Ctrl-C does. */
  interrupt(): void {
    this.kill('SIGINT');
  }

  /**
   * Releases what this object holds. Afterwards it refuses all other calls.
   * @throws InvalidStateError while the process runs
   */
  close(): void {
    if (this.#state === 'closed') return;
    if (this.isAlive()) {
      throw new InvalidStateError(
        `the process ${this.#name} still runs; join() or terminate() it before close()`,
      );
    }
    this.#child?.close();
    this.#state = 'closed';
  }

  /** Calls {@link close}, which throws while the process runs. */
  [Symbol.dispose](): void {
    this.close();
  }

  #mustBeOpen(): void {
    if (this.#state === 'closed') throw new ClosedError('this Process object is closed');
  }

  #mustBeMine(): void {
    if (this.#generation === forkGeneration()) return;
    throw new InvalidStateError(
      `the process ${this.#name} was created by another process, which this one was forked from: only that can start, ` +
        'signal and wait for it',
    );
  }

  #mustBeStarted(call: string): void {
    this.#mustBeOpen();
    this.#mustBeMine();
    if (this.#isSelf) throw new InvalidStateError(`${call}() is for the parent of a process, not for itself`);
    if (this.#child === undefined)
      throw new InvalidStateError(`${call}() needs a started process; call start() first`);
  }

  #mayStart(): void {
    if (isImporting()) {
      throw new BootstrapError(
        `the process ${currentIdentity().name} tried to start another one while it was still importing its modules: ` +
          'its parent would be imported and started again for ever. Start processes inside ' +
          '`if (isMainProcess) { … }` (isMainProcess is exported by this package), or in a function',
      );
    }
    const { daemon, worker } = currentIdentity();
    if (daemon && !worker) {
      throw new InvalidStateError(
        'daemonic processes may not have children: they are ended without their consent',
      );
    }
  }

  #reference(): TargetReference {
    if (this.#target !== undefined) return referTo(this.#target);
    this.#mustOverrideRun();
    return instanceReference(this);
  }

  #mustOverrideRun(): void {
    if (this.run !== Process.prototype.run) return;
    throw new InvalidArgumentError(
      'Process option "target" is missing: give one, or override run() in a subclass',
    );
  }

  /** Calls the listener once it has ended or turned out not to start; holds the event loop until then. */
  #whenEnded(listener: () => void): () => void {
    let waits = true;
    const stop = () => {
      if (!waits) return;
      waits = false;
      this.#waiters = this.#waiters.filter((waiter) => waiter !== onNews);
      this.#hold(-1);
    };
    const onNews = () => {
      if (this.#status === undefined && this.#state !== 'new') return; // a report, not the end
      stop();
      listener();
    };
    this.#hold(1);
    if (this.#status !== undefined) onNews();
    else this.#waiters.push(onNews);
    return stop;
  }

  /** Notices an end that the event loop has not come round to. */
  #lookForEnd(): boolean {
    if (this.#status === undefined) backend.runUntil(() => this.#status !== undefined, 0);
    return this.#status !== undefined;
  }

  #hold(delta: 1 | -1): void {
    this.#holders += delta;
    this.#child?.hold(this.#holders > 0 || (isEnding() && !this.#settings.detached));
  }

  #drain(): void {
    for (const report of this.#child?.link.tryReceiveMany(8) ?? []) {
      this.#report ??= report;
      this.#wake();
    }
  }

  #ended(status: ExitStatus): void {
    this.#drain();
    this.#status = status;
    this.#state = 'ended';
    activeProcesses.delete(this);
    debug(`${this.#name} ended`, status);
    this.#child?.link.close();
    this.#wake();
  }

  #wake(): void {
    for (const waiter of this.#waiters.slice()) waiter();
    if (this.#status !== undefined || this.#state === 'new') this.#waiters = [];
  }
}

let self: Process | undefined;

function setCurrent(process: Process): void {
  self = process;
}

const activeProcesses = new Set<Process>();

whenForked(() => {
  activeProcesses.clear();
  self = undefined;
});

/** The processes that this one has started and that have not ended. */
export function activeChildren(): Process[] {
  return [...activeProcesses].filter((child) => child.isAlive());
}

/** The process that runs this. */
export function currentProcess(): Process {
  return (self ??= adoptSelf(Process.prototype, {}));
}

/** In a child: makes the object that stands for this process, of the user's class, without running its constructor. */
export function adoptSelf(prototype: object, fields: Readonly<Record<string, unknown>>): Process {
  const { name, daemon } = currentIdentity();
  const Class = (prototype as { constructor: new () => Process }).constructor;
  self = Reflect.construct(Process, [{ [SELF]: true, name, daemon }], Class) as Process;
  return Object.assign(self, fields);
}

export function isProcessClass(prototype: object): boolean {
  return prototype instanceof Process;
}

/** The process that started this one; undefined in the main process. */
export function parentProcess():
  | {
      /** Of the system. */
      readonly pid: number;
      /** As of {@link Process}. */
      readonly name: string;
    }
  | undefined {
  return currentIdentity().parent;
}

function prefix(value: unknown): boolean | string {
  if (typeof value !== 'boolean' && typeof value !== 'string')
    throw invalid('Process option "linePrefix"', 'a string, or true for `[name] `', value);
  return value;
}

function contextMethod(context: unknown): StartMethod {
  const { method } = (context ?? {}) as { method?: unknown };
  if (method === undefined) throw invalid('Process option "context"', 'what getContext() returns', context);
  return checkStartMethod(method);
}

function environment(env: unknown): Settings['env'] {
  if (env === undefined) return undefined;
  if (typeof env !== 'object' || env === null)
    throw invalid('Process option "env"', 'an object of strings', env);
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined) text(`Process option "env.${name}"`, value);
  }
  return env as Settings['env'];
}

const WITH_VALUE = /^(-e|--eval|-p|--print|-pe|--inspect-port)$/;
const DROPPED =
  /^(-e|--eval|-p|--print|-pe|-i|--interactive|-c|--check|--test|--watch|--inspect(-brk|-wait|-port)?)(=|$)/;

/** The parent's, so that loaders are the same; without what concerns its own program text or its debugger's port. */
function inheritedExecArgv(): string[] {
  const kept: string[] = [];
  for (let i = 0; i < process.execArgv.length; i++) {
    const argument = process.execArgv[i] ?? '';
    if (!DROPPED.test(argument)) kept.push(argument);
    else if (WITH_VALUE.test(argument)) i++;
  }
  return kept;
}
