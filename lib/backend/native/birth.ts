import { statSync } from 'node:fs';
import { ownFile } from '../../own-files';
import type { Decode, LaunchRequest, Stdio } from '../backend';
import { inheritable, launchError, systemError, workingDirectory } from '../surroundings';
import { addon } from './addon';
import { NativeChild, UNKNOWN_STATUS, exitStatus } from './child';
import { NativeDuplex } from './duplex';
import { lifeReadEnd } from './life';
import { OutputPipe } from './output';

/** Descriptors sent at a time; the kernel takes at most 253. */
const DESCRIPTORS_PER_MESSAGE = 200;

/** What a child runs that begins with a fresh Node. */
const CHILD_MAIN = ownFile('child-main.js');

/** A child on its way: its orders lie on its link, whoever starts it and however often that is tried. */
export class Birth<T> {
  readonly request: LaunchRequest;
  readonly child: NativeChild<T>;
  readonly ours: NativeDuplex<T>;
  readonly theirs: NativeDuplex<T>;
  /** The child's stdin, stdout and stderr: descriptors of this process, or -1 for /dev/null. */
  readonly standard: readonly [number, number, number];
  /** Those of them that are this object's. */
  readonly #writeEnds: number[] = [];
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
    const outputs: OutputPipe[] = [];
    try {
      this.standard = this.#standard(request.stdio, outputs);
    } catch (error) {
      for (const output of outputs) output.close();
      this.ours.close();
      this.closeTheirs();
      throw launchError(error);
    }
    this.child = new NativeChild(this.ours, outputs);
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

  #standard(stdio: Stdio, outputs: OutputPipe[]): [number, number, number] {
    if (stdio === 'ignore') return [-1, -1, -1];
    if (stdio === 'inherit') return [-1, 1, 2];
    for (let i = 0; i < 2; i++) {
      const [readEnd, writeEnd] = addon.createPipe();
      outputs.push(new OutputPipe(readEnd));
      this.#writeEnds.push(writeEnd);
    }
    const [out = -1, err = -1] = this.#writeEnds;
    return [-1, out, err];
  }

  /** For who enters the working directory too late to tell the parent that it is not there. */
  checkDirectory(): void {
    if (this.request.cwd !== undefined && !statSync(this.cwd).isDirectory())
      throw systemError('chdir', 'ENOTDIR');
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
      const [pid, pidfd] = addon.spawn({
        file: process.execPath,
        args: [process.execPath, ...request.execArgv, CHILD_MAIN, ...request.argv],
        env: this.env.map(([name, value]) => `${name}=${value}`),
        cwd: this.cwd,
        fds: [...this.standard, ...this.theirs.share().descriptors, request.detached ? -1 : lifeReadEnd()],
        newSession: request.detached,
      });
      this.child.started(pid, pidfd, () => reap(pid));
    } catch (error) {
      this.child.close();
      throw launchError(error);
    } finally {
      this.closeTheirs();
    }
  }

  closeGate(): void {
    if (this.gate >= 0) addon.closeDescriptors([this.gate]);
    this.gate = -1;
  }

  fail(error: unknown): void {
    this.closeGate();
    this.closeTheirs();
    this.child.failed(error);
  }

  /** What the child has of its own now, or will never have. */
  closeTheirs(): void {
    this.theirs.close();
    addon.closeDescriptors(this.#writeEnds.splice(0));
  }

  abandon(): void {
    this.child.close();
    this.closeTheirs();
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
