import { debuglog } from 'node:util';

/** `NODE_DEBUG=forkful` shows what the library does. */
export const debug = debuglog('forkful');
