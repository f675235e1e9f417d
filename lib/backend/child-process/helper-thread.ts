import { Socket } from 'node:net';
import { workerData, type MessagePort } from 'node:worker_threads';
import { Control, announce, recall } from './control';
import { FrameSplitter, Op, eachFrame, header, wholeFrame, NO_PAYLOAD } from './frames';

/**
 * The thread of a child that stands between the hub and the main thread: what comes reaches a main thread that blocks,
 * and what was lent can be recalled from one that computes.
 */
export interface HelperData {
  readonly control: Int32Array;
  readonly descriptor: number;
  readonly port: MessagePort;
}

const { control, descriptor, port } = workerData as HelperData;
const socket = new Socket({ fd: descriptor, readable: true, writable: true });

const splitter = new FrameSplitter((bytes) => {
  eachFrame(bytes, ({ op, object, a: slot, b: lent }) => {
    if (op !== Op.Recall) return;
    const claimed = recall(control, slot, lent);
    socket.write(wholeFrame(header(Op.Recalled, object, slot, claimed), NO_PAYLOAD));
  });
  const { buffer, byteOffset, length } = bytes;
  const whole = byteOffset === 0 && length === buffer.byteLength;
  const memory = (whole ? buffer : buffer.slice(byteOffset, byteOffset + length)) as ArrayBuffer;
  port.postMessage(memory, [memory]);
  announce(control);
});

function end(): void {
  if (Atomics.load(control, Control.DieWithHub) === 1) process.kill(process.pid, 'SIGKILL');
  Atomics.store(control, Control.HubGone, 1);
  port.postMessage(null);
  announce(control);
}

socket.on('data', (chunk: Buffer) => {
  splitter.push(chunk);
});
socket.on('error', () => undefined);
socket.once('close', end);
