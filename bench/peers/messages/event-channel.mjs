import { latencies, timeOfOne } from '../../measure.mjs';
import { messageOf, messagesIn, rate, receive } from './messages.mjs';

/** One round trip. */
function tripOf(channel, kind) {
  const message = messageOf(kind);
  let arrived;
  channel.onMessage(() => arrived());
  const there = (resolve) => {
    arrived = resolve;
    channel.send(message);
  };
  return () => new Promise(there);
}

/**
 * The measurements of a peer that gives messages to a listener.
 * @param open starts the other side, which answers as `answerWith` does: { send, onMessage, pid, close }
 */
export function eventChannelCases(open) {
  return {
    async throughput({ kind, milliseconds }, apart) {
      const channel = await open();
      apart(channel.pid);
      const one = await timeOfOne((count) => receive(channel, kind, count), {
        milliseconds,
        first: Math.min(8, messagesIn(64 << 20, kind)),
      });
      channel.close();
      return rate(kind, one);
    },

    async roundTrip({ kind, milliseconds }, apart) {
      const channel = await open();
      apart(channel.pid);
      const trip = tripOf(channel, kind);
      const one = await timeOfOne(
        async (count) => {
          for (let i = 0; i < count; i++) await trip();
        },
        { milliseconds },
      );
      channel.close();
      return one * 1000;
    },

    async latencies({ kind, milliseconds }, apart) {
      const channel = await open();
      apart(channel.pid);
      const result = await latencies(tripOf(channel, kind), { milliseconds });
      channel.close();
      return result;
    },

    async requests({ kind, inFlight, milliseconds }, apart) {
      const channel = await open();
      apart(channel.pid);
      const message = messageOf(kind);
      const job = (count) =>
        new Promise((resolve) => {
          let sent = 0;
          let got = 0;
          channel.onMessage(() => {
            if (++got === count) resolve();
            else if (sent < count) next();
          });
          const next = () => {
            sent++;
            channel.send(message);
          };
          while (sent < Math.min(inFlight, count)) next();
        });
      const one = await timeOfOne(job, { milliseconds });
      channel.close();
      return 1e3 / one;
    },
  };
}
