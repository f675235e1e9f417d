import { createRequire } from 'node:module';
import { registerHandleFamily } from '../handles';
import { ownFile } from '../own-files';

const load = createRequire(__filename);

/** Objects of an adapter arrive in children whose modules need not name the adapter. */
registerHandleFamily('multiprocessing', () => {
  load(ownFile('compat/multiprocessing/index.js'));
});
