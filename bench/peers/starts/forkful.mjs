import { getAllStartMethods, getContext, refs } from '../../forkful.mjs';
import { startCases } from './start-cases.mjs';

const otherSide = refs(new URL('./greet.cjs', import.meta.url));

function start({ Pipe, Process }) {
  return async () => {
    const [ours, theirs] = Pipe();
    const child = new Process({ target: otherSide.greet, args: [theirs], daemon: true });
    await child.start();
    theirs.close();
    await ours.recv();
    return {
      pid: child.pid,
      async end() {
        await ours.send(null);
        await child.join();
        ours.close();
      },
    };
  };
}

const cases = (method) =>
  getAllStartMethods().includes(method) ? startCases(start(getContext(method))) : undefined;

export const spawn = cases('spawn');
export const forkserver = cases('forkserver');
export const fork = cases('fork');
