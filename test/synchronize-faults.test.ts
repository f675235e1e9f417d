import { join } from 'node:path';
import {
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  Condition,
  Event,
  Lock,
  Process,
  Semaphore,
  SharedArray,
  refs,
} from 'forkful';
import { until } from './contract/methods';

interface Faults {
  victim(
    act: string,
    of: object,
    ready: Semaphore,
    seen: SharedArray,
    nth: number,
    isBefore: boolean,
  ): Promise<void>;
}
const { victim } = refs<Faults>(join(__dirname, 'fixtures', 'synchronize-faults.cjs'));
/** Of what waits although it should not. */
const timeout = 20_000;
/** What others wait for because of a death comes within that (ms), on a machine that has nothing else to do. */
const SOON = 100;

/** One process that is killed at its nth change, if it makes so many. */
class Victim {
  readonly ready = new Semaphore(0);
  readonly seen = new SharedArray('int32', 1, { lock: false });
  readonly #process: Process;
  readonly #of: { close(): void };

  constructor(act: string, of: object & { close(): void }, nth: number, isBefore: boolean) {
    this.#of = of;
    this.#process = new Process({ target: victim, args: [act, of, this.ready, this.seen, nth, isBefore] });
  }

  start(): Promise<unknown> {
    return this.#process.start();
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null;
  }

  /** Until it waits, or has been killed before. */
  async waits(): Promise<void> {
    await until(() => this.ready.value > 0 || this.hasEnded);
  }

  /** Whether it lived. */
  async end(): Promise<boolean> {
    await this.#process.join();
    expect([0, -9]).toContain(this.#process.exitCode);
    return this.#process.exitCode === 0;
  }

  close(): void {
    for (const one of [this.ready, this.seen, this.#of]) one.close();
  }
}

interface Round {
  lived: boolean;
  /** How long (ms) others waited for what was due to them since it ended. */
  took: number;
}

/** Whoever is killed at whatever change: `round` finds that nobody else loses anything, and tells how long that took. */
async function atEachChange(round: (nth: number) => Promise<Round>): Promise<number> {
  const took: number[] = [];
  for (let nth = 1; ; nth++) {
    const { lived, took: waited } = await round(nth);
    if (lived) break;
    took.push(waited);
  }
  // The median: others use this machine, too.
  took.sort((a, b) => a - b);
  expect(took[took.length >> 1]).toBeLessThan(SOON);
  return took.length;
}

async function since(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function semaphoreRound(act: string, nth: number, isBefore: boolean): Promise<Round> {
  const semaphore = new BoundedSemaphore(2);
  const one = new Victim(act, semaphore, nth, isBefore);
  const isAlone = act === 'semaphore: alone' || act === 'semaphore: takes over';
  if (act !== 'semaphore: alone') for (let i = 0; i < 2; i++) semaphore.acquireSync();
  if (act === 'semaphore: takes over') for (let i = 0; i < 2; i++) semaphore.release();
  let settled = 0;
  const ask = () =>
    [1, 2].map(async () => {
      expect(await semaphore.acquire({ timeout })).toBe(true);
      settled++;
      // The victim wants more than it is given at first.
      if (act === 'semaphore: waits') semaphore.release();
    });
  const before = isAlone || act === 'semaphore: waits' ? [] : ask();
  await one.start();
  if (act === 'semaphore: waits') await one.waits();
  const others = isAlone || before.length > 0 ? before : ask();
  if (act === 'semaphore: waits') semaphore.release(2);
  const lived = await one.end();
  if (act === 'semaphore: leaves') semaphore.release(2);
  const took = await since(async () => {
    if (act === 'semaphore: releases') {
      // What it has not come to.
      await until(() => {
        if (settled < 2 && semaphore.value === 0) semaphore.release();
        return settled === 2;
      });
    }
    await Promise.all(others);
    if (act === 'semaphore: leaves' || act === 'semaphore: releases') {
      while (semaphore.value < 2) semaphore.release();
    }
    await until(() => semaphore.value === 2);
  });
  for (const expected of [true, true, false]) expect(semaphore.acquireSync({ timeout: 0 })).toBe(expected);
  semaphore.release(2);
  expect(semaphore.value).toBe(2);
  one.close();
  return { lived, took };
}

async function eventRound(act: string, nth: number, isBefore: boolean): Promise<Round> {
  const event = new Event();
  const one = new Victim(act, event, nth, isBefore);
  const others = [1, 2].map(() => event.wait({ timeout }));
  await one.start();
  const lived = await one.end();
  // Set at its first change, also if it has been cleared since.
  if (nth === 1 && isBefore) {
    expect(event.isSet()).toBe(false);
    event.set();
  }
  const took = await since(async () => {
    expect(await Promise.all(others)).toEqual([true, true]);
  });
  event.clear();
  expect(event.waitSync({ timeout: 0 })).toBe(false);
  event.set();
  expect(event.waitSync({ timeout: 0 })).toBe(true);
  one.close();
  return { lived, took };
}

/** `lost`: whether the notification was used up although the victim had not returned from its wait. */
async function conditionRound(
  act: string,
  nth: number,
  isBefore: boolean,
): Promise<Round & { lost: boolean }> {
  const condition = new Condition(new Lock());
  const one = new Victim(act, condition, nth, isBefore);
  let notified = 0;
  const waitHere = async () => {
    await condition.acquire({ timeout });
    if (await condition.wait({ timeout })) notified++;
    condition.release();
  };
  const notify = (count: number) =>
    condition.run(() => {
      condition.notify(count);
    });
  const isFirst = act.startsWith('condition: waits');
  const early = isFirst ? [] : [waitHere(), waitHere()];
  await one.start();
  if (isFirst) {
    await one.waits();
    // It has given up the lock only when it is in the line.
    await condition.run(() => undefined);
  }
  const others = isFirst ? [waitHere(), waitHere()] : early;
  // Both are in the line once the lock is free again behind them.
  await condition.run(() => undefined);
  let lost = false;
  if (isFirst) await notify(1);
  const lived = await one.end();
  const took = await since(async () => {
    if (isFirst && one.seen[0] === 0) {
      const end = performance.now() + 2000;
      await until(() => notified > 0 || performance.now() > end);
      lost = notified === 0;
    }
  });
  if (isFirst) expect(notified).toBe(one.seen[0] === 0 && !lost ? 1 : 0);
  await notify(2);
  await Promise.all(others);
  expect(notified).toBe(2);
  await condition.run(() => undefined);
  one.close();
  condition.close();
  return { lived, took: lost ? 0 : took, lost };
}

async function barrierRound(act: string, nth: number, isBefore: boolean): Promise<Round> {
  const barrier = new Barrier(3);
  const one = new Victim(act, barrier, nth, isBefore);
  const outcomes: unknown[] = [];
  const come = async () => {
    try {
      await barrier.wait({ timeout });
      outcomes.push('through');
    } catch (error) {
      outcomes.push((error as BrokenBarrierError).reason);
    }
  };
  const isFirst = act === 'barrier: comes first';
  const early = isFirst ? [] : [come(), come()];
  await one.start();
  if (isFirst) await one.waits();
  const others = isFirst ? [come(), come()] : early;
  const lived = await one.end();
  const took = await since(async () => {
    await until(() => outcomes.length > 0 || (barrier.nWaiting === 2 && !barrier.broken));
    // It had not come: another one does.
    if (outcomes.length === 0) others.push(come());
    await Promise.all(others);
  });
  const [outcome] = outcomes;
  expect(new Set(outcomes).size).toBe(1);
  const allowed =
    act === 'barrier: aborts' ? ['aborted'] : act === 'barrier: is late' ? ['timeout', 'died'] : ['died'];
  expect([...allowed, 'through']).toContain(outcome);
  barrier.reset();
  expect((await Promise.all([1, 2, 3].map(() => barrier.wait({ timeout })))).sort()).toEqual([0, 1, 2]);
  one.close();
  return { lived, took };
}

// Each change in shared memory: killed before it, and behind it.
describe.each([true, false])('whoever is killed at a change (before it: %s)', (isBefore) => {
  test.each([
    ['semaphore: alone', 8],
    ['semaphore: takes over', 8],
    ['semaphore: waits', 4],
    ['semaphore: leaves', 2],
    ['semaphore: releases', 2],
  ] as const)('%s: no unit is lost, and none is too many', async (act, least) => {
    expect(await atEachChange((nth) => semaphoreRound(act, nth, isBefore))).toBeGreaterThanOrEqual(least);
  });

  test.each([
    ['event: sets', 3],
    ['event: waits', 2],
  ] as const)('%s: whoever waits goes on', async (act, least) => {
    expect(await atEachChange((nth) => eventRound(act, nth, isBefore))).toBeGreaterThanOrEqual(least);
  });

  test.each([
    ['condition: waits', 5],
    ['condition: waits, blocked', 5],
    ['condition: leaves', 6],
    ['condition: notifies', 3],
  ] as const)('%s: a notification that it has not returned with goes to another', async (act, least) => {
    let lost = 0;
    const kills = await atEachChange(async (nth) => {
      const round = await conditionRound(act, nth, isBefore);
      if (round.lost) lost++;
      return round;
    });
    expect(kills).toBeGreaterThanOrEqual(least);
    // Behind the one change that takes it, it has it.
    expect(lost).toBeLessThanOrEqual(isBefore ? 0 : 1);
  });

  test.each([
    ['barrier: comes first', 2],
    ['barrier: comes last', 2],
    ['barrier: is late', 2],
    ['barrier: aborts', 2],
  ] as const)('%s: all go through, or hear why not', async (act, least) => {
    expect(await atEachChange((nth) => barrierRound(act, nth, isBefore))).toBeGreaterThanOrEqual(least);
  });
});
