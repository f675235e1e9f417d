import { createRequire } from 'node:module';
import { registerHandleFamily } from '../handles';

const load = createRequire(__filename);

/** Objects of an adapter arrive in children whose modules need not name the adapter. */
registerHandleFamily('multiprocessing', () => {
  load('./multiprocessing/index.js');
});
