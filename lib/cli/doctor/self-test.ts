import { getContext } from '../../context';
import { cpuCount } from '../../cpu-count';
import { WorkerLostError } from '../../errors';
import { Pool } from '../../pool/pool';
import '../../pool/protocol';
import { Process } from '../../process';
import { Queue } from '../../queue';
import { METHODS, getAllStartMethods, whyUnavailable } from '../../start-method';
import type { StartMethod } from '../../backend/backend';
import { failure } from './failure';
import { findingsOf, type Finding } from './finding';
import { die, echo, ownPid, square } from './self-test-work';

/** How long (ms) a test may take that takes some hundred ms: then it hangs. */
const PATIENCE = 10_000;
/** How long (ms) rates are measured. */
const MEASURED = 300;
const STARTS = 5;

const { ok, note, problem } = findingsOf('self-test');

interface Passed {
  readonly text: string;
  readonly values: Readonly<Record<string, number>>;
}

/** Does for a moment what programs do; some 2 s. */
export async function selfTest(): Promise<Finding[]> {
  const methods = METHODS.filter((method) => getAllStartMethods().includes(method));
  const findings: Finding[] = [];
  for (const method of methods) {
    const finding = await attempt(`start by ${method}`, () => starts(method));
    findings.push(finding.status === 'problem' && isForbidden(method) ? asNote(finding) : finding);
  }
  findings.push(await attempt('queue', queue), await attempt('pool', pool));
  return findings;
}

/** Whether it was found out not to be safe here, and what Node was told to do may be why: a loader, for one. */
function isForbidden(method: StartMethod): boolean {
  const isTold = process.execArgv.length > 0 || (process.env['NODE_OPTIONS'] ?? '') !== '';
  return isTold && whyUnavailable(method) !== undefined;
}

function asNote({ name, text }: Finding): Finding {
  return note(name, text, 'leave out what is not needed of NODE_OPTIONS and the arguments of Node');
}

async function attempt(name: string, test: () => Promise<Passed>): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`it was not done after ${PATIENCE / 1000} s`));
    }, PATIENCE);
  });
  try {
    const { text, values } = await Promise.race([test(), late]);
    return ok(name, text, { values });
  } catch (error) {
    const { text, remedy } = failure(error);
    return problem(name, text, remedy);
  } finally {
    clearTimeout(timer);
  }
}

/** There and back, in another process. */
async function queue(): Promise<Passed> {
  const questions = new Queue<number | null>();
  const answers = new Queue<number>();
  const child = new Process({ target: echo, args: [questions, answers], daemon: true });
  try {
    await child.start();
    const trip = async (value: number) => {
      await questions.put(value);
      const got = await answers.get({ timeout: PATIENCE });
      if (got !== value) throw new Error(`put ${value} and got ${got}`);
    };
    await trip(0); // the child is there
    let trips = 0;
    const end = performance.now() + MEASURED;
    while (performance.now() < end) await trip(++trips);
    await questions.put(null);
    await child.join({ timeout: PATIENCE });
    const microseconds = round((1000 * MEASURED) / trips);
    return { text: `${microseconds} µs to another process and back`, values: { microseconds } };
  } finally {
    if (child.isAlive()) child.kill();
    questions.close();
    answers.close();
  }
}

/** Processes that are started, answer and end. */
async function starts(method: StartMethod): Promise<Passed> {
  const Started = getContext(method).Process;
  const times: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const begin = performance.now();
    const child = new Started({ target: ownPid, daemon: true });
    await child.start();
    const pid = await child.result();
    times.push(performance.now() - begin);
    if (pid !== child.pid)
      throw new Error(`a child with the pid ${child.pid} says that it has ${String(pid)}`);
    await child.join();
    if (child.exitCode !== 0) throw new Error(`a child ended with exit code ${child.exitCode}`);
  }
  const first = round(times[0] ?? 0);
  const later = round(Math.min(...times.slice(1)));
  return {
    text: `${first} ms from the start of the first child to its result, ${later} ms for later ones`,
    values: { first, later },
  };
}

/** Results, and what becomes of a pool when a worker dies. */
async function pool(): Promise<Passed> {
  const processes = Math.min(4, Math.max(2, cpuCount()));
  const workers = new Pool(processes);
  try {
    await workers.ready();
    const begin = performance.now();
    let tasks = 0;
    while (performance.now() < begin + MEASURED) {
      const squares = await workers.map(
        square,
        Array.from({ length: 100 }, (_, n) => n),
      );
      const wrong = squares.findIndex((value, n) => value !== n * n);
      if (wrong >= 0) throw new Error(`a worker says that ${wrong} squared is ${squares[wrong]}`);
      tasks += squares.length;
    }
    const perSecond = Math.round((1000 * tasks) / (performance.now() - begin));
    const lost = await workers.apply(die).catch((error: unknown) => error);
    if (!(lost instanceof WorkerLostError)) {
      throw new Error(`a killed worker should be a WorkerLostError, and was ${String(lost)}`);
    }
    if ((await workers.apply(square, [12])) !== 144)
      throw new Error('a worker says that 12 squared is not 144');
    await workers.close();
    return {
      text: `${processes} workers, ${perSecond} small tasks a second, goes on after a worker was killed`,
      values: { processes, perSecond },
    };
  } finally {
    void workers.terminate().catch(() => {});
  }
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
