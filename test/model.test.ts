import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const hasSpin = spawnSync('spin', ['-V']).error === undefined;

(hasSpin ? test : test.skip)(
  `the models of queue, lock, semaphore, event, condition and barrier: clean as built, each broken order found${hasSpin ? '' : ' (left out: no spin on the PATH)'}`,
  () => {
    const script = join(__dirname, '..', 'scripts', 'model.mjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--quick'], { encoding: 'utf8' });
    expect(`${stdout}${stderr}`).not.toContain('SURPRISE');
    expect(stdout.match(/^ok {2}clean/gm)?.length).toBeGreaterThan(25);
    expect(stdout.match(/^ok {2}fails/gm)?.length).toBeGreaterThan(25);
    expect(status).toBe(0);
  },
  600_000,
);
