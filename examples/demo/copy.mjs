import { plainLoop } from './plain-loop.mjs';

/** One of the two copies of the plain loop: takes a list of files, says how many it has analysed, ends. */
process.once('message', (files) => {
  const { results } = plainLoop(files);
  process.send(results.length, () => process.disconnect());
});
