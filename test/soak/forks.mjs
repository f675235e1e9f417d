// node test/soak/forks.mjs [--children 200] [--concurrent 3] [--patience 60000]
// Forks children that do real work with V8's full machinery, and counts those that hang or fail. Exits with 1 if any did.
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { getContext, isMainProcess, refs, setForkserverPreload } from 'forkful';

const JOBS = createRequire(import.meta.url).resolve('./jobs.cjs');
const COLLECTIONS = 100;

const { values } = parseArgs({
  options: {
    children: { type: 'string', default: '200' },
    concurrent: { type: 'string', default: '3' },
    patience: { type: 'string', default: '60000' },
  },
});

async function soak(name, target, args, isRight) {
  const { Process } = getContext('forkserver');
  const counts = { right: 0, wrong: 0, hung: 0 };
  let left = Number(values.children);
  const start = performance.now();
  const runner = async () => {
    while (left-- > 0) {
      const child = new Process({ target, args });
      await child.start();
      if (await child.join({ timeout: Number(values.patience) })) {
        const outcome = await child.result().then(isRight, (error) => String(error));
        if (outcome === true && child.exitCode === 0) counts.right++;
        else {
          counts.wrong++;
          console.error(`${name}: ${outcome}, exit code ${child.exitCode}`);
        }
      } else {
        counts.hung++;
        child.kill();
        await child.join();
      }
    }
  };
  await Promise.all(Array.from({ length: Number(values.concurrent) }, runner));
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(
    `Node ${process.version}: ${name}: ${counts.right} right, ${counts.wrong} wrong, ${counts.hung} hung in ${seconds} s`,
  );
  return counts.wrong + counts.hung === 0;
}

if (isMainProcess) {
  setForkserverPreload([JOBS], { onError: 'fail' });
  const jobs = refs(JOBS);
  const outcomes = [
    await soak(
      `${COLLECTIONS} garbage collections`,
      jobs.collectGarbage,
      [COLLECTIONS],
      (n) => n >= COLLECTIONS,
    ),
    await soak('typescript', jobs.compile, [], ({ bytes, problems }) => bytes > 10_000 && problems === 0),
  ];
  process.exitCode = outcomes.every(Boolean) ? 0 : 1;
}
