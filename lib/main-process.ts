import { isChild } from './current';
import { whenForked } from './forked';

/**
 * Whether this is the program itself, not one of the library's children: false even while a child imports the module
 * that started it. `if (isMainProcess) { … }` guards what only the program is to do.
 */
export let isMainProcess = !isChild();

whenForked(() => {
  isMainProcess = false;
});
