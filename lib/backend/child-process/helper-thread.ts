import { Socket, type SocketConstructorOpts, type TcpSocketConnectOpts } from 'node:net';
import { workerData, type MessagePort } from 'node:worker_threads';
import { Control, announce, recall } from './control';
import { FrameSplitter, HEADER_BYTES, Op, eachFrame, header, viewOf, writeHeader } from './frames';

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
const READ_BYTES = 256 * 1024;

const splitter = new FrameSplitter((bytes) => {
  eachFrame(bytes, ({ op, object, a: slot, b: lent }) => {
    if (op !== Op.Recall) return;
    const claimed = recall(control, slot, lent);
    const answer = Buffer.allocUnsafeSlow(HEADER_BYTES);
    writeHeader(viewOf(answer), 0, 0, header(Op.Recalled, object, slot, claimed));
    socket.write(answer);
  });
  const { buffer, byteOffset, length } = bytes;
  // A large frame has memory of its own; what lies in the buffer for reading does not.
  const memory = (
    length === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + length)
  ) as ArrayBuffer;
  port.postMessage(memory, [memory]);
  announce(control);
});

const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
const options: SocketConstructorOpts & Pick<TcpSocketConnectOpts, 'onread'> = {
  fd: descriptor,
  readable: true,
  writable: true,
  onread: {
    buffer: () => splitter.place ?? buffer,
    callback(length, { buffer, byteOffset }) {
      splitter.push(Buffer.from(buffer, byteOffset, length));
      return true;
    },
  },
};
const socket = new Socket(options);
socket.on('error', () => undefined);
socket.once('close', () => {
  if (Atomics.load(control, Control.DieWithHub) === 1) process.kill(process.pid, 'SIGKILL');
  Atomics.store(control, Control.HubGone, 1);
  port.postMessage(null);
  announce(control);
});
socket.resume();
