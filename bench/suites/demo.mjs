import { fileURLToPath } from 'node:url';
import { runProgram } from '../run.mjs';

const MAIN = fileURLToPath(new URL('../../examples/demo/main.mjs', import.meta.url));

/** The main job on a folder of real files, beside two independent copies of its loop, which are what two CPUs can do. */
export function comparisons({ quick }) {
  const folder = fileURLToPath(
    new URL(quick ? '../../node_modules/typescript' : '../../node_modules', import.meta.url),
  );
  const measure = async () => {
    const options = ['--processes', '2', '--two-copies', '--json'];
    const { stdout, stderr, code } = await runProgram(process.execPath, [MAIN, folder, ...options], {
      timeout: 170_000,
    });
    if (code !== 0) throw new Error(`the demo failed: ${stderr.trim().split('\n').at(-1)}`);
    return JSON.parse(stdout).poolToCopies;
  };
  return [
    {
      figure: 'speed-up of the main job ÷ that of two independent copies',
      unit: '×',
      better: 'more',
      candidates: [{ who: 'Pool', kind: 'ours', measure }],
    },
  ];
}
