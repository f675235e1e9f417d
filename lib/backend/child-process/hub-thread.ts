import { workerData, type MessagePort } from 'node:worker_threads';
import { Op, eachFrame, header, type Frame } from './frames';
import { Hub } from './hub/hub';
import type { LaunchOrder } from './hub/launch-order';
import { Launcher } from './hub/launcher';
import { MainPeer } from './hub/main-peer';
import type { Peer } from './hub/peer';

/** The thread of a program that serves all its processes, whatever their main threads do. */
export interface HubData {
  readonly control: Int32Array;
  readonly port: MessagePort;
}

const { control, port } = workerData as HubData;
const main = new MainPeer(port, control);
const hub = new Hub();
const launcher = new Launcher(hub);
hub.join(main);

function handle(frame: Frame, peer: Peer): void {
  if (frame.op === Op.Launch) {
    const { b: length, payload } = frame;
    const order = JSON.parse(payload.toString('utf8', 0, length)) as LaunchOrder;
    launcher.launch(peer, frame.a, order, payload.subarray(length), handle);
  } else if (frame.op === Op.Kill) {
    peer.send(header(Op.Reply, 0, frame.a, launcher.kill(frame.object, frame.b) ? 1 : 0));
  } else {
    hub.handle(frame, peer);
  }
}

port.on('message', (memory: ArrayBuffer) => {
  eachFrame(Buffer.from(memory), (frame) => {
    handle(frame, main);
  });
});
