import { backend } from '../backend';
import type { Order } from './protocol';
import { Kind, decodeOrder, encodeDefine, encodeTask, Flag } from './protocol';
import { Retirement } from './retirement';
import { Runner } from './runner';
import { StopRequests } from './stop-requests';
// With all that only a worker needs.
import './worker-main';
import { Yielding } from './yielding';

const TASKS = 2;

/**
 * Does in a forkserver what a pool's worker does first: define a function, run tasks, report. It must not come to wait:
 * what waits has an epoll, and children would share it. So it retires with the last task.
 * @param module what to load, as in a reference
 */
export async function rehearseWorker(module: string): Promise<void> {
  const [ours, theirs] = backend.createDuplex<Order>(decodeOrder);
  const definition = encodeDefine(1, { kind: 'function', module, name: 'rehearsed' });
  ours.sendSync(Kind.Define, definition, definition.length, 0);
  for (let id = 1; id <= TASKS; id++) {
    const { tag, buffer, length } = encodeTask(id, 1, Flag.Spread, [[{ id, text: 'text', list: [1, 2.5] }]]);
    ours.sendSync(tag, buffer, length, 0);
  }
  const nobody = { onReadable: () => undefined, tryReceiveMany: () => [], receiveManySync: () => [] };
  const requests = new StopRequests(nobody, { stopped: () => undefined, granted: () => undefined });
  const retirement = new Retirement({ maxTasks: TASKS, maxMemory: Infinity });
  await new Runner(theirs, requests, new Yielding(), 1, retirement).run();
  ours.close();
  theirs.close();
}
