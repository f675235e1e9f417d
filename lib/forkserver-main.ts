import './become-child';
import './backend/choose-native';
import { Server } from './backend/native/forkserver/server';
import type { Preload } from './backend/backend';
import type * as Service from './forkserver-service';

/** The program of a forkserver: loads what its children shall find loaded, then only ever forks. */
async function main(): Promise<void> {
  // Ctrl-C is for the program itself.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  // What `ps`, `top` and `pstree` show; each child has a title of its own.
  process.title = 'node: forkserver';
  const server = await Server.create();
  const preload = JSON.parse(process.argv[2] ?? '') as Preload;
  const isEmpty = preload.modules.length + preload.warmups.length === 0;
  if (isEmpty) await server.probe(preload);
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- now, while the probe runs
  const { prepare, serve } = require('./forkserver-service') as typeof Service;
  await prepare(preload, (reason) => server.refuse(reason));
  if (!isEmpty) await server.probe(preload);
  process.off('SIGINT', ignore);
  await serve(server, preload);
}

void main();
