const messages = new Map([
  ['small', Buffer.alloc(64, 1)],
  ['object', { id: 4711, name: 'item 4711', values: [4711, 4712, 4713] }],
  ['large', Buffer.alloc(1 << 20, 1)],
]);

/** What is sent: of a kind, or a Buffer of so many bytes. */
export function messageOf(kind) {
  if (!messages.has(kind)) messages.set(kind, Buffer.alloc(kind, 1));
  return messages.get(kind);
}

/** How many messages make so many bytes; objects are small. */
export function messagesIn(bytes, kind) {
  return Math.max(1, Math.floor(bytes / (messageOf(kind).length ?? 64)));
}

/** Messages that may be under way at once: some MB. */
const pieceOf = (kind) => Math.min(5_000, messagesIn(16 << 20, kind));

/** In MB/s if bytes are what counts, else in messages/s. */
export function rate(kind, millisecondsForOne) {
  const countsBytes = kind === 'large' || typeof kind === 'number';
  return countsBytes ? messageOf(kind).length / 1e3 / millisecondsForOne : 1e3 / millisecondsForOne;
}

/** The other side of every peer that gives messages to a listener: sends so many, or sends back what came. */
export function answerWith(send) {
  return (message) => {
    if (message?.produce === undefined) send(message);
    else for (let i = 0; i < message.count; i++) send(messageOf(message.produce));
  };
}

/** Asks for messages in pieces, two at a time, and resolves when all are there. */
export function receive(channel, kind, count) {
  const piece = pieceOf(kind);
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
