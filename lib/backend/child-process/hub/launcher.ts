import { spawn, type ChildProcess } from 'node:child_process';
import type { Duplex as Stream, Readable } from 'node:stream';
import { Op, header } from '../frames';
import type { Hub } from './hub';
import type { FrameHandler, Peer } from './peer';
import { SocketPeer } from './socket-peer';
import { effectiveIds, spawnOptions, type LaunchOrder } from './launch-order';

interface Launched {
  readonly process: ChildProcess;
  readonly by: Peer;
  readonly peer: Peer;
  readonly detached: boolean;
}

/** Nobody waits for room: what nobody reads is kept by the process that the frames go to. */
function forward(stream: Readable, send: (part: Buffer) => void): void {
  stream.on('data', (part: Buffer) => {
    if (part.length > 0) send(part);
  });
  stream.on('error', () => undefined);
  stream.once('close', () => {
    send(Buffer.alloc(0));
  });
}

/** Starts the processes of a program. They are all children of the one that the hub is in. */
export class Launcher {
  readonly #hub: Hub;
  readonly #running = new Map<number, Launched>();
  #connections = 1;

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  launch(by: Peer, request: number, order: LaunchOrder, orders: Buffer, handle: FrameHandler): void {
    const connection = ++this.#connections;
    let child: ChildProcess;
    try {
      child = spawn(order.file, order.args, spawnOptions(order, effectiveIds()));
    } catch (error) {
      this.#failed(by, request, error);
      return;
    }
    if (child.pid === undefined) {
      child.once('error', (error) => {
        this.#failed(by, request, error);
      });
      return;
    }
    child.on('error', () => undefined); // a signal that could not be sent has been answered for
    const [, , , helper, main] = child.stdio as unknown as Stream[];
    if (helper === undefined || main === undefined) return;
    const peer = new SocketPeer(connection, child.pid, helper, main, handle);
    this.#hub.join(peer);
    for (const endpoint of [order.link, ...order.shares]) this.#hub.hold(peer, endpoint);
    const launched: Launched = { process: child, by, peer, detached: order.detached };
    this.#running.set(connection, launched);
    peer.send(header(Op.Orders, order.link, connection), orders);
    by.send(header(Op.Started, connection, request, child.pid));
    for (const [which, stream] of [
      [1, child.stdout],
      [2, child.stderr],
    ] as const) {
      if (stream !== null)
        forward(stream, (part) => {
          by.send(header(Op.Output, connection, request, which), part);
        });
    }
    // After 'exit', what the child has sent may still be on its way. What it has printed is no part of its end: others
    // may go on to write there.
    let left = 3;
    const onOne = () => {
      left--;
      if (left > 0) return;
      this.#ended(connection, launched, request, child.exitCode, child.signalCode);
    };
    child.once('exit', onOne);
    for (const stream of [helper, main]) stream.once('close', onOne);
  }

  /** Whether there was somebody to signal. */
  kill(connection: number, signal: number): boolean {
    const process = this.#running.get(connection)?.process;
    try {
      return process?.kill(signal) ?? false;
    } catch {
      return false; // a signal that the platform does not know
    }
  }

  #ended(
    connection: number,
    { by, peer }: Launched,
    request: number,
    code: number | null,
    signal: string | null,
  ) {
    this.#running.delete(connection);
    this.#hub.leave(peer);
    for (const { by: parent, process, detached } of this.#running.values()) {
      if (parent === peer && !detached) process.kill('SIGKILL');
    }
    by.send(header(Op.Exited, connection, request, code ?? 0), Buffer.from(signal ?? ''));
  }

  #failed(by: Peer, request: number, error: unknown): void {
    const { code, syscall, message } = error as NodeJS.ErrnoException;
    by.send(header(Op.Failed, 0, request), Buffer.from(JSON.stringify({ code, syscall, message })));
  }
}
