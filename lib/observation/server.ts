import { chmodSync, renameSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { debug } from '../debug';
import { VERSION, type Answer, type ObservedPool } from './answer';
import { folders, newName, prepareFolder, remove, removeAbandoned } from './sockets';

/** How long (ms) somebody may take to read, and how many may do so at a time. */
const PATIENCE = 2000;
const MOST_CONNECTIONS = 16;

export interface ObservationSocket {
  close(): void;
  /** In a forked child: its copy of the handle goes, and what belongs to the parent stays. */
  abandon(): void;
}

/** A socket that tells everybody who connects of these pools; undefined where there cannot be one. */
export function openSocket(pools: () => readonly ObservedPool[]): ObservationSocket | undefined {
  for (const folder of folders()) {
    try {
      prepareFolder(folder);
      const path = join(folder, newName());
      const server = serve(pools);
      listen(server, join(folder, `.${newName()}`), path);
      removeAbandoned(folder);
      return socketOf(server, path);
    } catch (error) {
      debug(`no socket in ${folder}`, error); // then nobody can ask, which is no reason to fail
    }
  }
  return undefined;
}

function socketOf(server: Server, path: string): ObservationSocket {
  const close = () => {
    process.off('exit', close);
    remove(path);
    server.close();
  };
  process.on('exit', close);
  return {
    close,
    abandon: () => {
      server.close();
    },
  };
}

function serve(pools: () => readonly ObservedPool[]): Server {
  const server = createServer((connection) => {
    connection.unref();
    connection.on('error', () => connection.destroy());
    connection.setTimeout(PATIENCE, () => connection.destroy());
    try {
      connection.end(JSON.stringify(answer(pools())));
    } catch (error) {
      debug('somebody asked in vain', error);
      connection.destroy();
    }
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.on('error', (error) => {
    debug('the socket for forkful top failed', error);
  });
  return server;
}

/**
 * Listens under another name first. So whoever finds the right one finds somebody who listens, or did. And libuv, which
 * removes the name that it knows when a handle is closed, does not remove that of the parent in a forked child.
 */
function listen(server: Server, before: string, path: string): void {
  server.listen({ path: before, exclusive: true }); // else a process of node:cluster would ask its primary for it
  if (!server.listening) throw new Error(`cannot listen on ${before}`);
  server.unref();
  try {
    chmodSync(before, 0o600);
    renameSync(before, path);
  } catch (error) {
    server.close();
    throw error;
  }
}

function answer(pools: readonly ObservedPool[]): Answer {
  return {
    version: VERSION,
    pid: process.pid,
    thread: threadId,
    program: [process.argv0, ...process.argv.slice(1)].join(' '),
    uptime: Math.round(1000 * process.uptime()),
    memory: process.memoryUsage.rss(),
    pools,
  };
}
