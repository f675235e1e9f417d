import * as prints from '../fixtures/prints.js';
import { describeEach } from './methods';

describeEach("Pool with stdio 'pipe'", ({ context }) => {
  test('gives what all workers print, and ends with them', async () => {
    const pool = new context.Pool({ processes: 2, stdio: 'pipe' });
    const printed = { stdout: '', stderr: '' };
    const ended = (['stdout', 'stderr'] as const).map(
      (name) =>
        new Promise((resolve) => {
          pool[name]!.on('data', (chunk: Buffer) => (printed[name] += chunk)).on('end', resolve);
        }),
    );
    await pool.broadcast(prints.both, ['out\n', 'err\n']);
    await pool.close();
    await Promise.all(ended);
    expect(printed).toEqual({ stdout: 'out\nout\n', stderr: 'err\nerr\n' });
  });

  test('does not wait for readers', async () => {
    const pool = new context.Pool({ processes: 1, stdio: 'pipe' });
    await pool.apply(prints.many, [5000]);
    const { stdout } = pool;
    await pool.apply(prints.many, [5000]); // far more than a pipe holds
    await pool.close();
    let bytes = 0;
    for await (const chunk of stdout!) bytes += (chunk as Buffer).length;
    expect(bytes).toBeGreaterThanOrEqual(500_000);
  });

  test('otherwise there is nothing to read', async () => {
    const pool = new context.Pool({ processes: 1 });
    expect([pool.stdout, pool.stderr]).toEqual([null, null]);
    await pool.close();
  });
});
