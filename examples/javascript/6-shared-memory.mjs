// Lesson 6: Shared data. Nothing is copied: parent and children have the same memory.
//   node examples/javascript/6-shared-memory.mjs
import { isMainProcess, Process, ShareableList, SharedArray, Value } from 'forkful';

const SIZE = 300;

/** How many steps z = z² + c takes to leave the circle of radius 2, for each point of some rows of the picture. */
export function mandelbrot(rows, firstRow, points) {
  for (let i = 0; i < rows.length; i++) {
    const re = -2 + (3 * (i % SIZE)) / SIZE;
    const im = -1.5 + (3 * (firstRow + Math.floor(i / SIZE))) / SIZE;
    let [x, y, steps] = [0, 0, 0];
    for (; steps < 255 && x * x + y * y < 4; steps++) [x, y] = [x * x - y * y + re, 2 * x * y + im];
    rows[i] = steps;
  }
  points.update((n) => n + rows.length);
}

export function count(value, times) {
  for (let i = 0; i < times; i++) value.update((n) => n + 1);
}

export function hold(value) {
  value.update(() => {
    for (;;); // and never lets go
  });
}

export function answer(form) {
  form.set(1, `${form.get(0)}? Yes.`);
}

if (isMainProcess) {
  console.log('A picture, painted by two children, each in its half of one array');
  const picture = new SharedArray('uint8', SIZE * SIZE);
  const points = new Value('uint32');
  const middle = picture.length / 2;
  const painters = [
    new Process({ target: mandelbrot, args: [picture.subarray(0, middle), 0, points] }),
    new Process({ target: mandelbrot, args: [picture.subarray(middle), SIZE / 2, points] }),
  ];
  for (const painter of painters) await painter.start();
  for (const painter of painters) await painter.result();
  const alone = new Uint8Array(picture.length);
  mandelbrot(alone, 0, points);
  console.log(`  the same as painted alone: ${alone.every((steps, i) => steps === picture[i])}`);
  console.log(`  points: ${points.value}`);
  for (let row = 0; row < SIZE; row += 25) {
    let line = ' ';
    for (let column = 0; column < SIZE; column += 6)
      line += ' .:+#'[Math.floor(Math.log2(picture[row * SIZE + column] + 1) / 2)];
    console.log(line.trimEnd());
  }

  console.log('\nA number that four children count up at the same time');
  const counter = new Value('int32');
  const counters = [1, 2, 3, 4].map(() => new Process({ target: count, args: [counter, 10_000] }));
  for (const child of counters) await child.start();
  for (const child of counters) await child.result();
  console.log(`  4 x 10000 is ${counter.value}`);

  const holder = new Process({ target: hold, args: [counter] });
  await holder.start();
  while (isFree(counter)) await new Promise((resolve) => setTimeout(resolve, 5));
  console.log('  one holds it now, and is killed');
  holder.kill();
  await holder.join();
  console.log(`  and yet: ${counter.update((n) => n + 1)}`);

  console.log('\nA list of all kinds of things, changed in place');
  const form = new ShareableList(['Does it work', 'room for an answer', 2n ** 60n, null]);
  const clerk = new Process({ target: answer, args: [form] });
  await clerk.start();
  await clerk.result();
  console.log(`  ${form.get(1)}`);
}

function isFree(value) {
  try {
    value.update((n) => n, { timeout: 0 });
    return true;
  } catch {
    return false;
  }
}
