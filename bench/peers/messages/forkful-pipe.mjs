import { Pipe, Process, refs } from '../../forkful.mjs';
import { timeOfOne } from '../../measure.mjs';
import { messageOf, rate } from './messages.mjs';

const otherSide = refs(import.meta.url);

/** Sends as many as it is asked for; anything else it sends back. */
export function answer(connection) {
  for (let message; (message = connection.recvSync()) !== null;) {
    if (message.produce === undefined) connection.sendSync(message);
    else for (let i = 0; i < message.count; i++) connection.sendSync(messageOf(message.produce));
  }
}

/** Like an ordinary server: it does not wait for each answer to be on its way. */
export async function answerAll(connection) {
  for await (const message of connection) void connection.send(message);
}

export async function answerAwaiting(connection) {
  for (let message; (message = await connection.recv()) !== null;) {
    if (message.produce === undefined) await connection.send(message);
    else for (let i = 0; i < message.count; i++) await connection.send(messageOf(message.produce));
  }
}

function cases(target, receive, exchange) {
  const open = async (apart) => {
    const [ours, theirs] = Pipe();
    const child = new Process({ target: otherSide[target], args: [theirs], daemon: true });
    await child.start();
    theirs.close();
    apart(child.pid);
    return ours;
  };
  return {
    async throughput({ kind, milliseconds }, apart) {
      const connection = await open(apart);
      const job = async (count) => {
        await connection.send({ produce: kind, count });
        await receive(connection, count);
      };
      const most = kind === 'large' ? 256 : 2_000_000;
      const one = await timeOfOne(job, { milliseconds, most });
      await connection.send(null);
      return rate(kind, one);
    },
    async roundTrip({ kind, milliseconds }, apart) {
      const connection = await open(apart);
      const one = await timeOfOne((count) => exchange(connection, messageOf(kind), count), { milliseconds });
      await connection.send(null);
      return one * 1000;
    },
  };
}

export const sync = cases(
  'answer',
  (connection, count) => {
    for (let i = 0; i < count; i++) connection.recvSync();
  },
  (connection, message, count) => {
    for (let i = 0; i < count; i++) {
      connection.sendSync(message);
      connection.recvSync();
    }
  },
);

export const awaiting = cases(
  'answerAwaiting',
  async (connection, count) => {
    for (let i = 0; i < count; i++) await connection.recv();
  },
  async (connection, message, count) => {
    for (let i = 0; i < count; i++) {
      await connection.send(message);
      await connection.recv();
    }
  },
);

/** Request and response, several at a time; the responses come in the order of the requests. */
export const concurrent = {
  async requests({ kind, inFlight, milliseconds }, apart) {
    const [connection, theirs] = Pipe();
    const child = new Process({ target: otherSide.answerAll, args: [theirs], daemon: true });
    await child.start();
    theirs.close();
    apart(child.pid);
    const message = messageOf(kind);
    const job = async (count) => {
      let sent = 0;
      for (; sent < Math.min(inFlight, count); sent++) void connection.send(message);
      for (let got = 0; got < count; got++) {
        await connection.recv();
        if (sent++ < count) void connection.send(message);
      }
    };
    const one = await timeOfOne(job, { milliseconds });
    return 1e3 / one;
  },
};
