import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { figure } from './measure.mjs';

const MAIN = fileURLToPath(new URL('../examples/demo/main.mjs', import.meta.url));

/** The main job on a folder of real files (this checkout's dependencies), beside two independent copies of its loop. */
export async function demo(runs) {
  const folder = fileURLToPath(new URL('../node_modules', import.meta.url));
  const speedUps = [];
  const ratios = [];
  for (let run = 0; run < Math.min(3, runs); run++) {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [MAIN, folder, '--processes', '2', '--two-copies', '--json'],
      { maxBuffer: 1 << 26 },
    );
    const result = JSON.parse(stdout);
    speedUps.push(result.speedUp.pool);
    ratios.push(result.poolToCopies);
  }
  return {
    'speed-up of the pool': figure(speedUps, '×'),
    'speed-up of the pool ÷ that of two copies': figure(ratios, '×'),
  };
}
