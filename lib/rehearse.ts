import { pathToFileURL } from 'node:url';
import { backend } from './backend';
import { NOTHING } from './backend/backend';
import { load } from './function-ref';
import {
  decodeReport,
  decodeStart,
  encodeReport,
  encodeStart,
  type Report,
  type StartMessage,
} from './messages';
import { ownFile } from './own-files';
import { rehearseWorker } from './pool/rehearse-worker';

const START = 0;
const REPORT = 1;

/**
 * Does in a forkserver what each of its children does first: take orders, load modules of either kind, report; and what
 * workers of pools do. What is compiled and set up here children find done; without it their first message takes three
 * times as long.
 */
export async function rehearse(rounds: number): Promise<void> {
  const common = ownFile('rehearsal.js');
  // As a path last: what is loaded already is not imported.
  const modules = [pathToFileURL(common).href, common, pathToFileURL(ownFile('rehearsal.mjs')).href];
  for (let round = 0; round < rounds; round++) {
    const [ours, theirs] = backend.createDuplex<StartMessage | Report>((message) =>
      message.tag === START ? decodeStart(message, () => []) : decodeReport(message),
    );
    Reflect.deleteProperty(require.cache, common);
    for (const module of modules) {
      const order = encodeStart({
        name: 'Rehearsal',
        daemon: false,
        detached: false,
        linePrefix: undefined,
        parentPid: process.pid,
        parentName: '',
        worker: false,
        target: { kind: 'function', module, name: 'rehearsed' },
        args: [{ round, text: 'text', list: [1, 2.5, null, true] }],
      });
      ours.sendSync(START, order.data, order.length, 0);
      const start = theirs.tryReceive();
      if (start === NOTHING || 'kind' in start) continue;
      const loaded = await load(start.target);
      const value = 'call' in loaded ? loaded.call(...start.args) : undefined;
      const report = encodeReport({ kind: 'result', value });
      theirs.sendSync(REPORT, report.data, report.length, 0);
      ours.tryReceive();
    }
    ours.close();
    theirs.close();
    await rehearseWorker(common);
  }
}
