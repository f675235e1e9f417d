import { timeOfOne } from '../../measure.mjs';
import { messages, rate, receive } from './messages.mjs';

/**
 * The measurements of a peer that gives messages to a listener.
 * @param open starts the other side, which answers as `answerWith` does: { send, onMessage, pid, close }
 */
export function eventChannelCases(open) {
  return {
    async throughput({ kind, milliseconds }, apart) {
      const channel = await open();
      apart(channel.pid);
      const one = await timeOfOne((count) => receive(channel, kind, count), { milliseconds });
      channel.close();
      return rate(kind, one);
    },

    async roundTrip({ kind, milliseconds }, apart) {
      const channel = await open();
      apart(channel.pid);
      const message = messages[kind];
      let arrived;
      channel.onMessage(() => arrived());
      const there = (resolve) => {
        arrived = resolve;
        channel.send(message);
      };
      const one = await timeOfOne(
        async (count) => {
          for (let i = 0; i < count; i++) await new Promise(there);
        },
        { milliseconds },
      );
      channel.close();
      return one * 1000;
    },

    async requests({ kind, inFlight, milliseconds }, apart) {
      const channel = await open();
      apart(channel.pid);
      const message = messages[kind];
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
