// Lesson 7: A parallel filter on one picture. Each task gets its band of a SharedArray by handle: no pixel is copied.
//   node examples/javascript/7-image-filter.mjs [PICTURE.png]
import { createWriteStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { cpuCount, isMainProcess, Pool, SharedArray } from 'forkful';
import { PNG } from 'pngjs';

const WIDTH = 1200;
const HEIGHT = 800;
const CHANNELS = 4; // red, green, blue, alpha
const ROW = WIDTH * CHANNELS;
const RADIUS = 5;

/** Each pixel of a band becomes the mean of its neighbours. `around` has `above` more rows before the band, and as many after. */
export function blur(around, above, band) {
  const rows = around.length / ROW;
  for (let i = 0; i < band.length; i++) {
    const y = above + Math.floor(i / ROW);
    const x = Math.floor((i % ROW) / CHANNELS);
    const channel = i % CHANNELS;
    let [sum, count] = [0, 0];
    for (let v = Math.max(0, y - RADIUS); v <= Math.min(rows - 1, y + RADIUS); v++) {
      for (let u = Math.max(0, x - RADIUS); u <= Math.min(WIDTH - 1, x + RADIUS); u++) {
        sum += around[v * ROW + u * CHANNELS + channel];
        count++;
      }
    }
    band[i] = sum / count;
  }
  return process.pid;
}

export const ready = () => true;

/** Rings of colour with hard edges. */
function paint(picture) {
  for (let i = 0; i < picture.length; i += CHANNELS) {
    const x = (i / CHANNELS) % WIDTH;
    const y = Math.floor(i / ROW);
    const ring = Math.floor(Math.hypot(x - WIDTH / 2, y - HEIGHT / 2) / 40);
    picture.set([ring % 2 ? 230 : 20, (ring * 60) % 256, (x ^ y) & 64 ? 200 : 40, 255], i);
  }
}

/** What one task works on: the rows that it reads, how many of them come before its own, and those that it writes. */
function bandsOf(picture, result, count) {
  const height = Math.ceil(HEIGHT / count);
  return Array.from({ length: count }, (_, i) => {
    const [first, last] = [Math.min(HEIGHT, i * height), Math.min(HEIGHT, (i + 1) * height)];
    const [from, to] = [Math.max(0, first - RADIUS), Math.min(HEIGHT, last + RADIUS)];
    return [picture.subarray(from * ROW, to * ROW), first - from, result.subarray(first * ROW, last * ROW)];
  });
}

async function timed(act) {
  const started = performance.now();
  const value = await act();
  return [value, Math.round(performance.now() - started)];
}

if (isMainProcess) {
  const picture = new SharedArray('uint8', HEIGHT * ROW);
  const result = new SharedArray('uint8', HEIGHT * ROW);
  paint(picture);
  const processes = Math.max(2, cpuCount());
  const pool = new Pool({ processes });
  await pool.broadcast(ready); // the workers are there before the clock runs

  const [pids, together] = await timed(() =>
    pool.starmap(blur, bandsOf(picture, result, processes), { chunksize: 1 }),
  );
  console.log(
    `${WIDTH} x ${HEIGHT} pixels in ${processes} bands, by ${new Set(pids).size} workers: ${together} ms`,
  );
  await pool.close();

  const alone = new Uint8Array(result.length);
  const [, serial] = await timed(() => blur(picture, 0, alone));
  console.log(`in one process: ${serial} ms, ${(serial / together).toFixed(1)} times as long`);
  console.log(`every byte is the same: ${Buffer.compare(alone, result) === 0}`);

  const file = process.argv[2] ?? join(tmpdir(), 'forkful-filtered.png');
  const png = new PNG({ width: WIDTH, height: HEIGHT });
  png.data = Buffer.from(result.buffer);
  await pipeline(png.pack(), createWriteStream(file));
  console.log(`written to ${file}`);
}
