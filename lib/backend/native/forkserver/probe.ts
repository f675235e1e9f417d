import { readFile } from 'node:fs/promises';
import { ownFile } from '../../../own-files';
import { collector } from './garbage';

const SCAVENGES = 8;
const FULL_COLLECTIONS = 1;
/** The smallest WebAssembly module. */
const EMPTY_MODULE = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);

// Not among the types of Node alone.
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<unknown> };

/** What a process must get through after the fork: if this one hangs, so would children. */
export async function probe(): Promise<void> {
  const collect = collector();
  let live: object[] = [];
  for (let i = 0; i < SCAVENGES; i++) {
    live = Array.from({ length: 1000 }, (_, n) => ({
      n,
      text: `${i} ${n}`,
      before: i % 8 === 0 ? undefined : live[n],
    }));
    collect({ type: 'minor' });
  }
  for (let i = 0; i < FULL_COLLECTIONS; i++) collect();
  await readFile(ownFile('rehearsal.js'));
  await WebAssembly.compile(EMPTY_MODULE);
}
