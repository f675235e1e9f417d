// Lesson 2: processes share no memory. An array that a child fills is the child's own copy.
//   node examples/javascript/2-nothing-is-shared.mjs
import { isMainProcess, Pipe, Process, Queue } from 'forkful';

export function squareIntoArray(results, n) {
  results.push(n * n);
  console.log(`  in the child the array is now [${results}]`);
}

export function square(n) {
  return n * n;
}

export async function squareIntoQueue(queue, n) {
  await queue.put(n * n);
}

export async function squareIntoPipe(connection, n) {
  await connection.send(n * n);
}

const numbers = [1, 2, 3, 4];

/** Starts a process for each number, and waits until they have ended. */
async function runAll(make) {
  const processes = numbers.map(make);
  for (const p of processes) await p.start();
  for (const p of processes) await p.join();
  return processes;
}

if (isMainProcess) {
  console.log('The naive attempt: every child pushes its result to an array');
  const results = [];
  await runAll((n) => new Process({ target: squareIntoArray, args: [results, n] }));
  console.log(`  here the array is still [${results}]: each child got a copy\n`);

  console.log('What works: the return value');
  const processes = await runAll((n) => new Process({ target: square, args: [n] }));
  console.log(`  result(): ${await Promise.all(processes.map((p) => p.result()))}\n`);

  console.log('What works: a Queue, in the order in which they came');
  const queue = new Queue();
  await runAll((n) => new Process({ target: squareIntoQueue, args: [queue, n] }));
  const fromQueue = [];
  while (!queue.empty()) fromQueue.push(await queue.get());
  console.log(`  queue: ${fromQueue}\n`);

  console.log('What works: a Pipe for each child');
  const fromPipes = [];
  for (const n of numbers) {
    const [reader, writer] = Pipe({ duplex: false });
    await new Process({ target: squareIntoPipe, args: [writer, n] }).start();
    writer.close(); // ours; the child has its own
    fromPipes.push(await reader.recv({ timeout: 5000 }));
  }
  console.log(`  pipes: ${fromPipes}`);
}
