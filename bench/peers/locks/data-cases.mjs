import { Pipe, Process, SharedArray, refs } from '../../forkful.mjs';
import { timeOfOne } from '../../measure.mjs';

const otherSide = refs(new URL('./other-side.cjs', import.meta.url));
const LENGTH = 1024;

/** ns for reading and writing one element. */
async function access(array, milliseconds) {
  const ms = await timeOfOne(
    (count) => {
      for (let i = 0; i < count; i++) {
        for (let at = 0; at < LENGTH; at++) array[at] += 1;
      }
    },
    { milliseconds, most: 1e8 },
  );
  return (ms / LENGTH) * 1e6;
}

/** µs until a worker has it and has said so. */
async function handOver(given, milliseconds) {
  const [ours, theirs] = Pipe();
  const worker = new Process({ target: otherSide.take, args: [theirs], daemon: true });
  await worker.start();
  theirs.close();
  const ms = await timeOfOne(
    (count) => {
      for (let i = 0; i < count; i++) {
        ours.sendSync(given);
        ours.recvSync();
      }
    },
    { milliseconds },
  );
  ours.sendSync(null);
  await worker.join();
  return ms * 1000;
}

/** Shared data beside what is not shared. */
export const data = {
  shared: ({ milliseconds }) => access(new SharedArray('float64', LENGTH), milliseconds),
  ordinary: ({ milliseconds }) => access(new Float64Array(LENGTH), milliseconds),
  array: ({ milliseconds, megabytes }) => handOver(new SharedArray('uint8', megabytes * 1e6), milliseconds),
  number: ({ milliseconds }) => handOver(1, milliseconds),
};
