import type { Readable } from 'node:stream';
import { ownFile } from '../../own-files';
import type { Child, Decode, ExitStatus, LaunchRequest } from '../backend';
import { inheritable, launchError, workingDirectory } from '../surroundings';
import type { Client } from './client';
import { HubDuplex } from './duplex';
import type { Endpoints } from './endpoint';
import { Op, header, type Frame } from './frames';
import type { LaunchOrder } from './hub/launch-order';
import { HubOutput } from './output';

/** What a child of this backend runs. */
const CHILD_MAIN = ownFile('hub-child-main.js');

/** A child as its parent sees it; the hub has started it. */
export class HubChild<T> implements Child<T> {
  pid: number | undefined;
  readonly link: HubDuplex<T>;
  status: ExitStatus | undefined;
  readonly #client: Client;
  #connection = 0;
  #startListeners: ((error: unknown) => void)[] | undefined = [];
  #startError: unknown;
  readonly #exitListeners: ((status: ExitStatus) => void)[] = [];
  #signalAtStart = 0;
  #held = false;
  /** stdout and stderr, if they are piped. */
  readonly #outputs: readonly HubOutput[];

  constructor(client: Client, endpoints: Endpoints, request: LaunchRequest, decode: Decode<T>) {
    this.#client = client;
    const [ours, theirs] = HubDuplex.createPair(client, endpoints, decode);
    this.link = ours;
    this.#outputs = request.stdio === 'pipe' ? [1, 2].map(() => new HubOutput(client.holder)) : [];
    const order: LaunchOrder = {
      file: process.execPath,
      args: [...request.execArgv, CHILD_MAIN, ...request.argv],
      env: Object.fromEntries(inheritable(request.env)),
      cwd: workingDirectory(request.cwd),
      stdio: request.stdio,
      detached: request.detached,
      // Who has given up privileges does not get them back by way of the main process.
      uid: process.geteuid?.(),
      gid: process.getegid?.(),
      link: theirs.share().key,
      shares: request.shares.map(({ key }) => key),
    };
    const text = Buffer.from(JSON.stringify(order));
    const { data, length } = request.message;
    const number = client.request((frame) => {
      this.#onFrame(frame, number);
    });
    client.post(header(Op.Launch, 0, number, text.length), Buffer.concat([text, data.subarray(0, length)]));
    theirs.close();
    client.hold(1); // until it is known whether it has been started
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
    if (this.status !== undefined || this.#client.gone) return false;
    if (this.#startListeners !== undefined) {
      this.#signalAtStart = signal;
      return true;
    }
    const answer = this.#client.ask((request) => {
      this.#client.post(header(Op.Kill, this.#connection, request, signal));
    });
    return answer.b === 1;
  }

  hold(held: boolean): void {
    if (held === this.#held || (held && this.status !== undefined)) return;
    this.#held = held;
    this.#client.hold(held ? 1 : -1);
  }

  close(): void {
    this.link.close();
  }

  #onFrame(frame: Frame | undefined, request: number): void {
    switch (frame?.op) {
      case Op.Started:
        this.pid = frame.b;
        this.#connection = frame.object;
        this.#tellStart();
        if (this.#signalAtStart !== 0) {
          this.kill(this.#signalAtStart);
        }
        return;
      case Op.Failed:
        this.#client.finish(request);
        for (const output of this.#outputs) output.end();
        this.#startError = launchError(JSON.parse(frame.payload.toString()));
        this.link.close();
        this.hold(false);
        this.#tellStart();
        return;
      case Op.Output: {
        const output = this.#outputs[frame.b - 1];
        if (frame.payload.length > 0) output?.push(frame.payload);
        else output?.end();
        this.#finishIfOver(request);
        return;
      }
      case Op.Exited:
        this.#ended({
          exitCode: frame.payload.length > 0 ? null : frame.b,
          signal: frame.payload.length > 0 ? (frame.payload.toString() as NodeJS.Signals) : null,
        });
        this.#finishIfOver(request);
        return;
      default:
        for (const output of this.#outputs) output.end();
        // The hub is gone: how the child ends will not be known. 255, as in CPython.
        if (this.#startListeners !== undefined) this.#tellStart();
        this.#ended({ exitCode: 255, signal: null });
    }
  }

  /** What others that have the child's streams write there may come after its end. */
  #finishIfOver(request: number): void {
    if (this.status !== undefined && this.#outputs.every(({ hasEnded }) => hasEnded))
      this.#client.finish(request);
  }

  #tellStart(): void {
    const listeners = this.#startListeners ?? [];
    this.#startListeners = undefined;
    this.#client.hold(-1);
    for (const listener of listeners) listener(this.#startError);
  }

  #ended(status: ExitStatus): void {
    this.status = status;
    this.hold(false);
    for (const listener of this.#exitListeners.splice(0)) listener(status);
  }
}
