import { join } from 'node:path';
import { LaunchError } from '../../errors';
import { ownResources } from '../../finalizer';
import type { Child, Decode, ExitStatus, LaunchRequest } from '../backend';
import { addon, signalName } from './addon';
import { NativeDuplex } from './duplex';
import { reactor } from './reactor';

/** Descriptors sent at a time; the kernel takes at most 253. */
const DESCRIPTORS_PER_MESSAGE = 200;

/** What a child runs; the same file for every start method that begins with a fresh Node. */
const CHILD_MAIN = join(__dirname, '..', '..', 'child-main.js');

// The write end is this process's alone: when it is gone, however, its children are told. Never closed.
let lifePipe: [readEnd: number, writeEnd: number] | undefined;

/** A child as its parent sees it. The kernel's handle (a pidfd) never stands for another process. */
class NativeChild<T> implements Child<T> {
  readonly pid: number;
  readonly link: NativeDuplex<T>;
  status: ExitStatus | undefined;
  readonly #pidfd: number;
  readonly #listeners: ((status: ExitStatus) => void)[] = [];
  readonly #close: () => void;
  #held = false;

  constructor(pid: number, pidfd: number, link: NativeDuplex<T>) {
    this.pid = pid;
    this.#pidfd = pidfd;
    this.link = link;
    // The reactor refers to this object until the child has ended: somebody must reap it.
    const token = reactor.watch(pidfd, () => {
      this.#reap();
    });
    this.#close = ownResources(this, () => {
      reactor.unwatch(pidfd, token);
      addon.closeDescriptors([pidfd]);
    });
  }

  onExit(listener: (status: ExitStatus) => void): void {
    if (this.status !== undefined) listener(this.status);
    else this.#listeners.push(listener);
  }

  kill(signal: number): boolean {
    return this.status === undefined && addon.signalProcess(this.#pidfd, signal);
  }

  hold(held: boolean): void {
    if (held === this.#held || (held && this.status !== undefined)) return;
    this.#held = held;
    reactor.hold(held ? 1 : -1);
  }

  close(): void {
    this.link.close();
    if (this.status !== undefined) this.#close();
  }

  #reap(): void {
    if (this.status !== undefined) return;
    let ended: [code: number, signal: number] | undefined;
    try {
      ended = addon.reap(this.pid);
    } catch {
      ended = [255, 0]; // reaped by somebody else: ended, but how is not known (255, as in CPython)
    }
    if (ended === undefined) return;
    const [code, signal] = ended;
    const status =
      signal === 0 ? { exitCode: code, signal: null } : { exitCode: null, signal: signalName(signal) };
    this.status = status;
    this.hold(false);
    this.#close();
    for (const listener of this.#listeners.splice(0)) listener(status);
  }
}

/** Starts a fresh Node whose parent end of the link is returned. */
export function launch<T>(request: LaunchRequest, decode: Decode<T>): Child<T> {
  const [ours, theirs] = NativeDuplex.createPair(decode);
  try {
    lifePipe ??= addon.createPipe();
    const standard = request.stdio === 'inherit' ? [-1, 1, 2] : [-1, -1, -1];
    ours.sendSync(0, request.message.data, request.message.length, 0);
    const descriptors = request.shares.flatMap((share) => share.descriptors);
    for (let i = 0; i < descriptors.length; i += DESCRIPTORS_PER_MESSAGE) {
      addon.sendDescriptors(ours.socket, descriptors.slice(i, i + DESCRIPTORS_PER_MESSAGE));
    }
    const [pid, pidfd] = addon.spawn({
      file: process.execPath,
      args: [process.execPath, ...request.execArgv, CHILD_MAIN, ...request.argv],
      env: environment(request.env),
      cwd: request.cwd ?? '',
      fds: [...standard, ...theirs.share().descriptors, request.detached ? -1 : lifePipe[0]],
      newSession: request.detached,
    });
    return new NativeChild(pid, pidfd, ours);
  } catch (error) {
    ours.close();
    throw launchError(error);
  } finally {
    theirs.close();
  }
}

function environment(env: LaunchRequest['env']): string[] {
  const out: string[] = [];
  for (const [name, value] of Object.entries(env)) if (value !== undefined) out.push(`${name}=${value}`);
  return out;
}

function launchError(error: unknown): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  return new LaunchError(
    `expected to start a process, but ${message} (${code ?? 'unknown'}); check the limits of processes, descriptors ` +
      'and memory (ulimit -u, ulimit -n, cgroup), and that cwd exists',
    { errno: code ?? 'unknown', cause: error },
  );
}
