// Lesson 8: One big dictionary, many readers. By `fork` each child has the whole of it, and the memory is there once.
//   node --single-threaded examples/typescript/8-fork.mts
// (Node 22.18 or later, which reads TypeScript itself: the thread of a loader would be missing in the children.)
import { readFileSync } from 'node:fs';
import { getContext, Queue } from 'forkful';

const WORKERS = 8;
const ENTRIES = 1_050_000;
const MIB = 2 ** 20;

interface Entry {
  readonly id: number;
  readonly word: string;
  readonly meanings: readonly [string, number];
}

interface Memory {
  readonly all: number;
  readonly own: number;
  readonly fairShare: number;
}

interface Reading extends Memory {
  readonly number: number;
  readonly letters: number;
  readonly found: number | undefined;
}

/** What the system says of a process's memory, in bytes. */
function memory(pid: number | 'self' = 'self'): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1]);
  return {
    all: kib('Rss') * 1024,
    own: (kib('Private_Clean') + kib('Private_Dirty')) * 1024,
    fairShare: kib('Pss') * 1024,
  };
}

const mib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;

const before = process.memoryUsage().heapUsed;
const dictionary = new Map<string, Entry>();
for (let i = 0; i < ENTRIES; i++) {
  const word = `word number ${i}`;
  dictionary.set(word, { id: i, word, meanings: [`first meaning of ${i}`, i / 7] });
}
const size = process.memoryUsage().heapUsed - before;
console.log(`The dictionary: ${dictionary.size} entries, ${mib(size)} of heap`);

const results = new Queue<Reading>();
const go = new Queue<boolean>();
const { Process } = getContext('fork'); // it throws, and says how to start the program, where that is impossible

/** Runs in each child: nothing is sent to it, the dictionary is the one above. What a child allocates or changes is its own. */
async function read(number: number): Promise<void> {
  let letters = 0;
  dictionary.forEach(({ id, meanings }, word) => {
    letters += word.length + meanings[0].length + (id % 2);
  });
  const found = dictionary.get(`word number ${number * 1000}`)?.id;
  await results.put({ number, letters, found, ...memory() });
  await go.get(); // stays, so that all are there at once
}

const workers = Array.from({ length: WORKERS }, (_, number) => new Process({ target: () => read(number) }));
const started = performance.now();
for (const worker of workers) await worker.start();
console.log(`${WORKERS} children started in ${Math.round(performance.now() - started)} ms`);

const readings: Reading[] = [];
for (let i = 0; i < WORKERS; i++) readings.push(await results.get());
readings.sort((a, b) => a.number - b.number);
for (const { number, letters, found, all, own } of readings) {
  const share = Math.round((100 * own) / size);
  console.log(
    `child ${number}: read ${letters} letters, found entry ${found}; sees ${mib(all)}, its own ${mib(own)}: ` +
      `${share} % of the dictionary`,
  );
}
const total = workers.reduce((sum, { pid }) => sum + memory(pid).fairShare, memory().fairShare);
console.log(
  `All ${WORKERS + 1} processes together: ${mib(total)}; with a dictionary each: ${mib(size * (WORKERS + 1))}`,
);

for (let i = 0; i < WORKERS; i++) await go.put(true);
for (const worker of workers) await worker.join();
