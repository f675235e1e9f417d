import { SharedArray, backend } from 'forkful';

/** Runs that can be counted. */
const MOST_RUNS = 1 << 22;

/** Who settled how, and how often; and how often what must run once was run. */
export class Ledger {
  #handedIn = 0;
  #settled = 0;
  #nextRun = 1;
  #doneRuns = [];
  /** How often each run began: a byte each, in which the workers count. null where memory cannot be shared. */
  runs = backend().name === 'native' ? new SharedArray('uint8', MOST_RUNS, { lock: false }) : null;
  open = new Set();
  outcomes = {};
  problems = [];

  /** A number for what must not run twice. 0 if it is not counted. */
  run() {
    return this.runs !== null && this.#nextRun < MOST_RUNS ? this.#nextRun++ : 0;
  }

  /** This one has given its result: it must have run. */
  hasRun(run) {
    if (run > 0) this.#doneRuns.push(run);
  }

  /** @param allowed codes or names of errors that it may end with */
  expect(what, promise, expected, allowed, runs = []) {
    const entry = this.#enter(what);
    promise.then(
      (value) => {
        for (const run of runs) this.hasRun(run);
        this.#settleWith(entry, value, expected);
      },
      (error) => this.#settleWithout(entry, error, allowed),
    );
  }

  /** The same by callbacks, which would tell of a second time. `submit` is given them. */
  expectCalls(what, submit, expected, allowed) {
    const entry = this.#enter(what);
    return submit({
      callback: (value) => this.#settleWith(entry, value, expected),
      errorCallback: (error) => this.#settleWithout(entry, error, allowed),
    });
  }

  get balance() {
    return `${this.#handedIn} handed in, ${this.#settled} settled`;
  }

  /** What is wrong once everything has settled. */
  audit() {
    const { problems, runs } = this;
    for (const { what } of this.open) problems.push(`${what}: hangs`);
    if (this.#handedIn !== this.#settled) problems.push(this.balance);
    if (runs === null) return;
    let more = 0;
    for (let run = 1; run < this.#nextRun; run++) if (runs[run] > 1) more++;
    const none = this.#doneRuns.filter((run) => runs[run] === 0).length;
    if (more > 0) problems.push(`${more} tasks without retries ran more than once`);
    if (none > 0) problems.push(`${none} tasks have results and never ran`);
  }

  get runsCounted() {
    return this.#nextRun - 1;
  }

  #enter(what) {
    const entry = { what: `${++this.#handedIn} ${what}`, kind: what, settled: 0 };
    this.open.add(entry);
    return entry;
  }

  #settleWith(entry, value, expected) {
    if (JSON.stringify(value) !== JSON.stringify(expected)) {
      const [wanted, got] = [expected, value].map((each) => JSON.stringify(each));
      this.problems.push(`${entry.what}: expected ${wanted}, got ${got}`);
    }
    this.#settle(entry, 'done');
  }

  #settleWithout(entry, error, allowed) {
    const name = error?.code ?? error?.name ?? String(error);
    if (!allowed.includes(name)) this.problems.push(`${entry.what}: ${error?.stack ?? name}`);
    this.#settle(entry, name);
  }

  #settle(entry, outcome) {
    this.open.delete(entry);
    this.#settled++;
    if (++entry.settled > 1) this.problems.push(`${entry.what}: settled ${entry.settled} times`);
    const line = `${entry.kind}: ${outcome}`;
    this.outcomes[line] = (this.outcomes[line] ?? 0) + 1;
  }
}
