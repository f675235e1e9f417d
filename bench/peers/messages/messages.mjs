/** What is sent, by kind. */
export const messages = {
  small: Buffer.alloc(64, 1),
  object: { id: 4711, name: 'item 4711', values: [4711, 4712, 4713] },
  large: Buffer.alloc(1 << 20, 1),
};

/** Messages that may be under way at once: some MB. */
const PIECE = { small: 5_000, object: 5_000, large: 16 };

/** Bytes count for large messages, messages for the others. */
export function rate(kind, millisecondsForOne) {
  return kind === 'large' ? messages.large.length / 1e3 / millisecondsForOne : 1e3 / millisecondsForOne;
}

/** The other side of every peer that gives messages to a listener: sends so many, or sends back what came. */
export function answerWith(send) {
  return (message) => {
    if (message?.produce === undefined) send(message);
    else for (let i = 0; i < message.count; i++) send(messages[message.produce]);
  };
}

/** Asks for messages in pieces, two at a time, and resolves when all are there. */
export function receive(channel, kind, count) {
  const piece = PIECE[kind];
  let asked = 0;
  let got = 0;
  const ask = () => {
    const some = Math.min(piece, count - asked);
    if (some === 0) return;
    asked += some;
    channel.send({ produce: kind, count: some });
  };
  return new Promise((resolve) => {
    channel.onMessage(() => {
      if (++got === count) resolve();
      else if (got % piece === 0) ask();
    });
    ask();
    ask();
  });
}
