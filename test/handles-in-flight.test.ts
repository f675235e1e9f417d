import { join } from 'node:path';
import { Pipe, Process, Queue, backend, refs, type Connection } from 'forkful';
import { until } from './contract/methods';
import { descriptors } from './setup/leftovers.js';

interface Sent {
  readonly n: number;
  readonly end: Connection<number>;
}
interface Targets {
  sendEnds(through: Queue<Sent>, back: Connection<Sent>): Promise<void>;
  answer(through: Queue<Sent>): Promise<void>;
}
const targets = refs<Targets>(join(__dirname, 'fixtures', 'handles-in-flight.cjs'));

// Both ends of many pipes are on their way, one through a queue with many users, the other through a connection, while
// those who send and receive are killed. Each end that arrives works; where the other one has gone down with somebody,
// there is the end of file. So whoever waits is answered, and nothing holds what nobody can receive any more.
async function traffic(kills: number) {
  const found = { answers: 0, ends: 0, wrong: [] as unknown[] };
  const through = new Queue<Sent>({ maxsize: 8 });
  const asked = new Set<Promise<void>>();

  /** What comes by the other end. */
  const ask = async ({ n, end }: Sent) => {
    try {
      const answer = await end.recv({ timeout: 20_000 });
      if (answer === n) found.answers++;
      else found.wrong.push(answer);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'ERR_FORKFUL_END_OF_FILE') found.ends++;
      else found.wrong.push(error);
    }
    end.close();
  };
  const hear = async (back: Connection<Sent>) => {
    for (;;) {
      let sent: Sent;
      try {
        sent = await back.recv();
      } catch (error) {
        if ((error as { code?: string }).code !== 'ERR_FORKFUL_END_OF_FILE') found.wrong.push(error);
        break;
      }
      const asking = ask(sent);
      asked.add(asking);
      void asking.then(() => asked.delete(asking));
    }
    back.close();
  };
  const startSender = async () => {
    const [here, there] = Pipe<Sent>();
    const child = new Process({ target: targets.sendEnds, args: [through, there] });
    await child.start();
    there.close();
    return { child, heard: hear(here) };
  };
  const startReceiver = async () => {
    const child = new Process({ target: targets.answer, args: [through] });
    await child.start();
    return { child, heard: Promise.resolve() };
  };
  const end = async ({ child, heard }: Awaited<ReturnType<typeof startSender>>) => {
    child.kill();
    await child.join();
    await heard;
  };

  const running = [await startSender(), await startSender(), await startReceiver(), await startReceiver()];
  for (let i = 0; i < kills; i++) {
    const answers = found.answers;
    await until(() => found.answers > answers + ((i * 7) % 20)); // it goes on, whoever was killed
    const which = i % running.length;
    await end(running[which]!);
    running[which] = await (which < 2 ? startSender() : startReceiver());
  }
  for (const one of running) await end(one);
  // What nobody has received is nobody's, once the queue is gone.
  through.close();
  await Promise.all(asked);
  return found;
}

(backend().name === 'native' ? test : test.skip)(
  'whoever is killed with handles in flight takes no others along, and leaves none',
  async () => {
    await traffic(2); // what a process keeps once it has started others
    const before = descriptors();
    const { answers, wrong } = await traffic(30);
    expect(wrong).toEqual([]);
    expect(answers).toBeGreaterThan(30);
    await until(() => JSON.stringify(descriptors()) === JSON.stringify(before));
  },
  120_000,
);
