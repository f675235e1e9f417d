import { whenForked } from './forked.js';
import { isMainProcess as atFirst } from './index.js';

export * from './index.js';

// An ES module sees a CommonJS one as it was when it was loaded: what changes must be a variable here.
/** See the one of the CommonJS package. */
export let isMainProcess = atFirst;

whenForked(() => {
  isMainProcess = false;
});
