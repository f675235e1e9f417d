import type { Readable } from 'node:stream';
import { ownResources } from '../../finalizer';
import { whenForked } from '../../forked';
import type { Child, ExitStatus } from '../backend';
import { addon, signalName } from './addon';
import type { NativeDuplex } from './duplex';
import type { OutputPipe } from './output';
import { reactor } from './reactor';

/** Ended, but how is not known: 255, as in CPython. */
export const UNKNOWN_STATUS: ExitStatus = { exitCode: 255, signal: null };

export function exitStatus(code: number, signal: number): ExitStatus {
  return signal === 0 ? { exitCode: code, signal: null } : { exitCode: null, signal: signalName(signal) };
}

/** Those that have not ended. */
const running = new Set<{ disown(): void }>();

whenForked(() => {
  for (const child of running) child.disown();
  running.clear();
});

/** A child as its parent sees it. The kernel's handle (a pidfd) never stands for another process. */
export class NativeChild<T> implements Child<T> {
  pid: number | undefined;
  readonly link: NativeDuplex<T>;
  status: ExitStatus | undefined;
  #pidfd = -1;
  #startListeners: ((error: unknown) => void)[] | undefined = [];
  #startError: unknown;
  readonly #exitListeners: ((status: ExitStatus) => void)[] = [];
  #signalAtStart = 0;
  #findStatus: () => ExitStatus | undefined = () => undefined;
  #hasEnded = false;
  #release: () => void = () => undefined;
  #held = false;
  /** stdout and stderr, if they are piped. */
  readonly #outputs: readonly OutputPipe[];

  constructor(link: NativeDuplex<T>, outputs: readonly OutputPipe[]) {
    this.link = link;
    this.#outputs = outputs;
    running.add(this);
  }

  /**
   * It runs, or has run.
   * @param pidfd -1 if it has ended already
   * @param findStatus how it has ended; asked when it has, and again at {@link look} until it is known
   */
  started(pid: number, pidfd: number, findStatus: () => ExitStatus | undefined): void {
    this.pid = pid;
    this.#pidfd = pidfd;
    this.#findStatus = findStatus;
    if (pidfd >= 0) {
      // The reactor refers to this object until the child has ended: somebody must take note of it.
      const token = reactor.watch(pidfd, () => {
        this.#hasEnded = true;
        this.look();
      });
      this.#release = ownResources(this, () => {
        reactor.unwatch(pidfd, token);
        addon.closeDescriptors([pidfd]);
      });
    }
    if (this.#signalAtStart !== 0) this.kill(this.#signalAtStart);
    this.#tellStart();
    if (pidfd < 0) {
      this.#hasEnded = true;
      this.look();
    }
  }

  failed(error: unknown): void {
    this.#startError = error;
    running.delete(this);
    this.close();
    this.hold(false);
    this.#tellStart();
  }

  /** Something may be known now about the end of a child that has ended. */
  look(): void {
    if (this.status !== undefined || !this.#hasEnded) return;
    const status = this.#findStatus();
    // Finding out may have brought news that were taken in already.
    if (status === undefined || (this.status as ExitStatus | undefined) !== undefined) return;
    this.status = status;
    running.delete(this);
    this.hold(false);
    this.#release();
    for (const listener of this.#exitListeners.splice(0)) listener(status);
  }

  onStart(listener: (error: unknown) => void): void {
    if (this.#startListeners === undefined) listener(this.#startError);
    else this.#startListeners.push(listener);
  }

  onExit(listener: (status: ExitStatus) => void): void {
    if (this.status !== undefined) listener(this.status);
    else this.#exitListeners.push(listener);
  }

  output(descriptor: 1 | 2, held: boolean): Readable | undefined {
    return this.#outputs[descriptor - 1]?.stream(held);
  }

  kill(signal: number): boolean {
    if (this.status !== undefined) return false;
    if (this.#startListeners !== undefined && this.#pidfd < 0) {
      this.#signalAtStart = signal;
      return true;
    }
    return this.#pidfd >= 0 && addon.signalProcess(this.#pidfd, signal);
  }

  hold(held: boolean): void {
    if (held === this.#held || (held && this.status !== undefined)) return;
    this.#held = held;
    reactor.hold(held ? 1 : -1);
  }

  /** In a process that was forked from its parent: somebody else's child. */
  disown(): void {
    this.status ??= UNKNOWN_STATUS;
    this.#exitListeners.length = 0;
    this.#held = false; // the reactor counts anew
    this.close();
    this.#pidfd = -1;
  }

  close(): void {
    this.link.close();
    for (const output of this.#outputs) output.close();
    if (this.status !== undefined) this.#release();
  }

  #tellStart(): void {
    const listeners = this.#startListeners ?? [];
    this.#startListeners = undefined;
    for (const listener of listeners) listener(this.#startError);
  }
}
