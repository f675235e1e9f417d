// Lesson 3: Queues, between parent and children, and between children.
//   node --import tsx examples/typescript/3-queue.mts
import { setTimeout as sleep } from 'node:timers/promises';
import { currentProcess, isMainProcess, Process, Queue } from 'forkful';

const NO_MORE = null;

interface Square {
  readonly n: number;
  readonly square: number;
  readonly by: string;
}

/** Takes numbers until there are no more, and gives their squares. */
export async function squareAll(numbers: Queue<number | null>, squares: Queue<Square>): Promise<void> {
  for (;;) {
    const n = await numbers.get();
    if (n === NO_MORE) return;
    await sleep(200); // squaring is hard work
    await squares.put({ n, square: n * n, by: currentProcess().name });
  }
}

export async function grow(basket: Queue<string | null>): Promise<void> {
  for (const fruit of ['apple', 'pear', 'plum', 'fig', 'lime']) {
    await basket.put(fruit);
    console.log(`  ${currentProcess().name} puts ${fruit}`);
  }
  await basket.put(NO_MORE);
}

export async function eat(basket: Queue<string | null>): Promise<void> {
  for (let fruit: string | null; (fruit = await basket.get()) !== NO_MORE;) {
    console.log(`  ${currentProcess().name} gets ${fruit}`);
    await sleep(100);
  }
}

if (isMainProcess) {
  console.log('Between parent and children: two children share the work of one queue');
  const numbers = new Queue<number | null>();
  const squares = new Queue<Square>();
  const workers = [1, 2].map(() => new Process({ target: squareAll, args: [numbers, squares] }));
  for (const worker of workers) await worker.start();
  await numbers.putMany([1, 2, 3, 4, 5, 6]);
  await numbers.putMany(workers.map(() => NO_MORE));
  const done: Square[] = [];
  for (let i = 0; i < 6; i++) done.push(await squares.get({ timeout: 5000 }));
  done.sort((a, b) => a.n - b.n);
  for (const { n, square, by } of done) console.log(`  ${n} squared is ${square}, by ${by}`);
  for (const worker of workers) await worker.join();

  console.log('\nBetween children: what one puts the other gets, and the parent only looks on');
  const basket = new Queue<string | null>(2); // never more than two at a time: put() waits
  const farmer = new Process({ target: grow, args: [basket], name: 'Farmer' });
  const guest = new Process({ target: eat, args: [basket], name: 'Guest' });
  await farmer.start();
  await guest.start();
  await farmer.join();
  await guest.join();
  console.log(`  the basket is ${basket.empty() ? 'empty' : 'not empty'}`);
}
