import { isChild } from './current';

/**
 * Whether this is the program itself, not one of the library's children: false even while a child imports the module
 * that started it. `if (isMainProcess) { … }` guards what only the program is to do.
 */
export const isMainProcess = !isChild();
