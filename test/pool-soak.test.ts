import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { getAllStartMethods } from 'forkful';
import { argumentsFor } from './contract/methods';
import { linuxTest } from './where';

const script = join(__dirname, 'soak', 'chaos.mjs');

/** The short form of `npm run chaos`. */
for (const method of getAllStartMethods()) {
  linuxTest(
    `a little chaos: every task settles once, and rightly (${method})`,
    async () => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [
          ...argumentsFor(method),
          script,
          ...['--seconds', '1', '--kills', '5', '--seed', '4711', '--method', method],
        ],
        { timeout: 55_000, killSignal: 'SIGKILL' },
      );
      const [, handedIn, settled] = /: (\d+) handed in, (\d+) settled/.exec(stdout) ?? [];
      expect(Number(handedIn)).toBeGreaterThan(20);
      expect(settled).toBe(handedIn);
      expect(Number(/(\d+) killed/.exec(stdout)?.[1])).toBeGreaterThanOrEqual(5);
      expect(stdout).toContain('; 0 problems');
    },
    60_000,
  );
}
