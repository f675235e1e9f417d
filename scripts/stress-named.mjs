// `npm run stress -- --named`: unrelated programs that meet at named queues, and put and get in both forms, while some are
// killed, stopped and continued. In each round all make the name at the same time, and it is gone at the end. Every message
// has its account: each program writes down, in a file of its own, what it is about to put, has put and has got.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const { Queue } = createRequire(import.meta.url)('../dist/index.js');

const BEGUN = 1;
const PUT = 2;
const GOT = 3;
/** How long (ms) a program may take for anything before it counts as hung. */
const PATIENCE = 30_000;
const MAXSIZE = 50;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A program: puts or gets, from the name it is told until it is told to end. */
async function work(id, isProducer, ledger) {
  const file = openSync(ledger, 'a');
  const note = (kind, producer, n) => writeSync(file, Int32Array.of(kind, producer, n));
  const say = (what) => process.stdout.write(`${what}\n`);
  let isEnding = false;
  let n = 0;
  const produce = async (queue, isAsync) => {
    note(BEGUN, id, n);
    const message = [id, n, 'x'.repeat(n % 97)];
    if (isAsync) await queue.put(message, { timeout: 20 });
    else queue.putSync(message, { timeout: 20 });
    note(PUT, id, n++);
  };
  const consume = async (queue, isAsync) => {
    const [producer, number, filling] = isAsync
      ? await queue.get({ timeout: 20 })
      : queue.getSync({ timeout: 20 });
    note(GOT, producer, number);
    if (filling !== 'x'.repeat(number % 97)) say('corrupt');
  };
  const use = async (name) => {
    isEnding = false;
    const queue = new Queue({ name, maxsize: MAXSIZE });
    say('in');
    for (let i = 0; ; i++) {
      if (i % 16 === 0) await new Promise(setImmediate);
      if (isEnding && (isProducer || queue.empty())) break;
      try {
        await (isProducer ? produce : consume)(queue, i % 3 === 0);
      } catch (error) {
        if (!/^ERR_FORKFUL_(TIMEOUT|EMPTY|FULL)$/.test(error.code)) throw error;
      }
    }
    queue.close();
    say('out');
  };
  for await (const line of createInterface(process.stdin)) {
    if (line === 'end') isEnding = true;
    else void use(line).catch((error) => (say(`failed: ${error.stack}`), process.exit(1)));
  }
}

/** A running program, as the one that watches sees it. */
class Program {
  said = [];
  isKilled = false;
  #listeners = new Set();

  constructor(id, isProducer, folder) {
    Object.assign(this, { id, isProducer, ledger: join(folder, `${id}`) });
    const args = [
      fileURLToPath(import.meta.url),
      'work',
      String(id),
      isProducer ? 'puts' : 'gets',
      this.ledger,
    ];
    this.child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdin.on('error', () => undefined); // it was killed
    this.ended = new Promise((resolve) => this.child.once('exit', resolve));
    const tell = () => [...this.#listeners].forEach((listener) => listener());
    this.child.once('exit', () => ((this.isOver = true), tell()));
    createInterface(this.child.stdout).on('line', (line) => (this.said.push(line), tell()));
  }

  tell(line) {
    this.child.stdin.write(`${line}\n`);
  }

  /** False if it ends before it says so; throws if it takes too long. */
  async says(line) {
    const end = Date.now() + PATIENCE;
    while (!this.said.includes(line)) {
      if (this.isOver) return false;
      if (Date.now() > end)
        throw new Error(`hung: program ${this.id} has not said ${line}, but ${this.said}`);
      await new Promise((resolve) => {
        const timer = setTimeout(go, 1000);
        const listeners = this.#listeners.add(go);
        function go() {
          clearTimeout(timer);
          listeners.delete(go);
          resolve();
        }
      });
    }
    this.said.splice(this.said.indexOf(line), 1);
    return true;
  }

  async kill() {
    this.isKilled = true;
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** What it has written down: of messages, numbers by kind. */
  notes() {
    if (!existsSync(this.ledger)) return [];
    const bytes = readFileSync(this.ledger);
    const notes = [];
    for (let at = 0; at + 12 <= bytes.length; at += 12) {
      notes.push([bytes.readInt32LE(at), `${bytes.readInt32LE(at + 4)}:${bytes.readInt32LE(at + 8)}`]);
    }
    return notes;
  }
}

/** Choices that a seed repeats (mulberry32). */
function choices(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

export async function stressNamed(seconds, seed) {
  const PROGRAMS = 6;
  const choose = choices(seed);
  const folder = mkdtempSync(join(tmpdir(), 'forkful-stress-'));
  const directory = `/dev/shm/forkful-${process.geteuid()}`;
  const all = [];
  const found = {
    kills: 0,
    stops: 0,
    rounds: 0,
    put: 0,
    got: 0,
    inDeadHands: 0,
    lost: 0,
    corrupt: 0,
    twice: 0,
    left: 0,
  };
  const start = () => {
    const one = new Program(all.length, all.length % 2 === 0, folder);
    all.push(one);
    return one;
  };
  const replace = (one) => {
    const other = new Program(all.length, one.isProducer, folder);
    all.push(other);
    return other;
  };
  let running = Array.from({ length: PROGRAMS }, start);
  const end = Date.now() + seconds * 1000;
  try {
    while (Date.now() < end) {
      const name = `stress-${process.pid}-${found.rounds++}`;
      for (const one of running) one.tell(name);
      // A kill may meet the making of the name, the waits, or the puts and gets.
      const kills = 1 + choose(4);
      await sleep(choose(20));
      const keeper = new Queue({ name, maxsize: MAXSIZE }); // what was put stays, whoever is killed
      for (let i = 0; i < kills; i++) {
        await sleep(choose(60));
        const which = choose(PROGRAMS);
        const stopped = running[choose(PROGRAMS)];
        if (choose(3) === 0) {
          stopped.child.kill('SIGSTOP');
          found.stops++;
          await sleep(choose(40));
        }
        await running[which].kill();
        found.kills++;
        stopped.child.kill('SIGCONT');
        running[which] = replace(running[which]);
        running[which].tell(name);
      }
      // Producers first: consumers go when there is nothing left to get.
      for (const producers of [true, false]) {
        const those = running.filter(({ isProducer }) => isProducer === producers);
        for (const one of those)
          if (!(await one.says('in'))) throw new Error(`program ${one.id} has failed: ${one.said}`);
        for (const one of those) one.tell('end');
        for (const one of those)
          if (!(await one.says('out'))) throw new Error(`program ${one.id} has failed: ${one.said}`);
      }
      found.lost += keeper.qsize(); // they went too early
      keeper.close();
      if (existsSync(join(directory, `queue.${name}`))) found.left++;
    }
  } finally {
    for (const one of running) await one.kill();
  }
  account(all, found);
  rmSync(folder, { recursive: true });
  const { kills, stops, rounds, put, got, inDeadHands, lost, corrupt, twice, left } = found;
  console.log(
    `stress --named: kills ${kills}, stops ${stops}, rounds ${rounds}, put ${put}, got ${got}, ` +
      `in dead hands ${inDeadHands}, lost ${lost}, corrupt ${corrupt}, twice ${twice}, names left ${left}`,
  );
  return lost + corrupt + twice + left === 0 && got > 0;
}

/** What was put is got once, or was in the hands of a consumer that was killed: one message each. */
function account(all, found) {
  const states = new Map();
  for (const one of all) {
    for (const [kind, message] of one.notes()) {
      const state = states.get(message) ?? { got: 0 };
      if (kind === GOT) state.got++;
      else state.isBegun = true;
      if (kind === PUT) state.isPut = true;
      states.set(message, state);
    }
    found.corrupt += one.said.filter((line) => line === 'corrupt').length;
  }
  for (const { isBegun, isPut, got } of states.values()) {
    found.got += got;
    if (isPut) found.put++;
    if (!isBegun) found.corrupt++;
    if (got > 1) found.twice++;
    if (isPut && got === 0) found.inDeadHands++;
  }
  const deadConsumers = all.filter(({ isKilled, isProducer }) => isKilled && !isProducer).length;
  found.lost += Math.max(0, found.inDeadHands - deadConsumers);
}

if (process.argv[2] === 'work')
  await work(Number(process.argv[3]), process.argv[4] === 'puts', process.argv[5]);
