import { join } from 'node:path';
import type { Decode, LaunchRequest } from '../backend';
import { inheritable, launchError, workingDirectory } from '../surroundings';
import { addon } from './addon';
import { NativeChild, UNKNOWN_STATUS, exitStatus } from './child';
import { NativeDuplex } from './duplex';
import { lifeReadEnd } from './life';

/** Descriptors sent at a time; the kernel takes at most 253. */
const DESCRIPTORS_PER_MESSAGE = 200;

/** What a child runs that begins with a fresh Node. */
const CHILD_MAIN = join(__dirname, '..', '..', 'child-main.js');

/** A child on its way: its orders lie on its link, whoever starts it and however often that is tried. */
export class Birth<T> {
  readonly request: LaunchRequest;
  readonly child: NativeChild<T>;
  readonly ours: NativeDuplex<T>;
  readonly theirs: NativeDuplex<T>;
  /** What the child gets of its surroundings, as they are now, whenever and however it is started. */
  readonly env: [name: string, value: string][];
  /** '' if this process's own does not exist any more. */
  readonly cwd: string;
  /** Forkservers that ended while they should start it. */
  attempts = 0;
  /** While a forkserver is asked: hangs up when neither it nor a child of it is about to take the orders. */
  gate = -1;

  constructor(request: LaunchRequest, decode: Decode<T>) {
    this.request = request;
    this.env = inheritable(request.env);
    this.cwd = workingDirectory(request.cwd);
    try {
      [this.ours, this.theirs] = NativeDuplex.createPair(decode);
    } catch (error) {
      throw launchError(error);
    }
    this.child = new NativeChild(this.ours);
    try {
      const descriptors = request.shares.flatMap((share) => share.descriptors);
      for (let i = 0; i < descriptors.length; i += DESCRIPTORS_PER_MESSAGE) {
        addon.sendDescriptors(this.ours.socket, descriptors.slice(i, i + DESCRIPTORS_PER_MESSAGE));
      }
    } catch (error) {
      this.abandon();
      throw launchError(error);
    }
  }

  /** Puts the first message on the link. */
  order(): void {
    this.ours.sendSync(0, this.request.message.data, this.request.message.length, 0);
  }

  /** Takes back what nobody has received; whether there was anything. */
  takeBack(): boolean {
    let any = false;
    this.ours.unsend(
      () => true,
      (messages) => {
        any = messages.length > 0;
      },
    );
    return any;
  }

  /** Starts a fresh Node. */
  spawn(): void {
    const { request } = this;
    try {
      this.order();
      const standard = request.stdio === 'inherit' ? [-1, 1, 2] : [-1, -1, -1];
      const [pid, pidfd] = addon.spawn({
        file: process.execPath,
        args: [process.execPath, ...request.execArgv, CHILD_MAIN, ...request.argv],
        env: this.env.map(([name, value]) => `${name}=${value}`),
        cwd: this.cwd,
        fds: [...standard, ...this.theirs.share().descriptors, request.detached ? -1 : lifeReadEnd()],
        newSession: request.detached,
      });
      this.child.started(pid, pidfd, () => reap(pid));
    } catch (error) {
      this.ours.close();
      throw launchError(error);
    } finally {
      this.theirs.close();
    }
  }

  closeGate(): void {
    if (this.gate >= 0) addon.closeDescriptors([this.gate]);
    this.gate = -1;
  }

  fail(error: unknown): void {
    this.closeGate();
    this.theirs.close();
    this.child.failed(error);
  }

  abandon(): void {
    this.ours.close();
    this.theirs.close();
  }
}

export function reap(pid: number) {
  try {
    const ended = addon.reap(pid);
    return ended === undefined ? undefined : exitStatus(...ended);
  } catch {
    return UNKNOWN_STATUS; // somebody else has
  }
}
