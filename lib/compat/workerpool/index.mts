import { whenForked } from '../../forked.js';
import workerpool from './index.js';

export * from './index.js';
export default workerpool;

// An ES module sees a CommonJS one as it was when it was loaded: what changes must be a variable here.
/** See the one of the CommonJS package. */
export let isMainThread = workerpool.isMainThread;

whenForked(() => {
  isMainThread = false;
});
