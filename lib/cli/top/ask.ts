import { connect } from 'node:net';
import { VERSION, type Answer } from '../../observation/answer';
import type { SocketFile } from '../../observation/sockets';

/** How long (ms) a program may take that has nothing else to do. */
const PATIENCE = 1000;

/**
 * What somebody said; or that there is nobody (any more); or that its thread is blocked; or that it speaks another
 * version's language.
 */
export type Reply = Answer | 'gone' | 'refused' | 'silent' | 'foreign';

export function ask({ path }: SocketFile): Promise<Reply> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const parts: Buffer[] = [];
    const finish = (reply: Reply) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reply);
    };
    const timer = setTimeout(() => {
      finish('silent');
    }, PATIENCE);
    socket.on('data', (part) => parts.push(part));
    socket.on('end', () => {
      finish(parse(Buffer.concat(parts).toString()));
    });
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      // Many wait already (EAGAIN) for one that does not answer.
      finish(code === 'EAGAIN' ? 'silent' : code === 'ECONNREFUSED' ? 'refused' : 'gone');
    });
  });
}

function parse(text: string): Reply {
  if (text === '') return 'gone'; // it ended, or was asked by too many
  try {
    const answer = JSON.parse(text) as Answer;
    return (answer as Partial<Answer>).version === VERSION ? answer : 'foreign';
  } catch {
    return 'foreign';
  }
}
