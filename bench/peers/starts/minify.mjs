import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { getContext, refs } from '../../forkful.mjs';

/** The first job of a new process, from its start to the result. */

const file = fileURLToPath(new URL('./minify.cjs', import.meta.url));
const job = refs(file);

function first({ Process }) {
  return async () => {
    // The forkserver is there.
    const before = new Process({ target: job.nothing });
    await before.start();
    await before.join();
    const started = performance.now();
    const child = new Process({ target: job.minify });
    await child.start();
    await child.result();
    return performance.now() - started;
  };
}

export const warmedUp = {
  first: (...all) =>
    first(getContext('forkserver', { preload: [file], warmup: job.warmUp, onError: 'fail' }))(...all),
};
export const cold = { first: first(getContext('forkserver')) };
export const freshNode = {
  async first() {
    const started = performance.now();
    await once(fork(file), 'message');
    return performance.now() - started;
  },
};
