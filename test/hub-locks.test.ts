import { Op, Verb, header } from '../dist/backend/child-process/frames';
import { HubGate } from '../dist/backend/child-process/hub/gate';
import type { HubObject, Peer } from '../dist/backend/child-process/hub/peer';
import { HubSemaphore } from '../dist/backend/child-process/hub/semaphore';
import { HubWaitLine } from '../dist/backend/child-process/hub/wait-line';
import { OUTCOMES } from '../dist/backend/synchronize';

/** What the hub does with locks, frame by frame: every order of events that a race can bring can be written down here. */

/** A process, and what the hub has answered it, by request. */
class Fake implements Peer {
  readonly connection = 1;
  readonly pid = 1;
  readonly answers = new Map<number, number>();
  readonly #object: HubObject;

  constructor(object: HubObject) {
    this.#object = object;
    object.hold(this, 0);
  }

  send({ a, b }: { a: number; b: number }): void {
    this.answers.set(a, b);
  }

  recall(): void {}

  claimed(): undefined {
    return undefined;
  }

  say(
    op: number,
    { a = 0, b = 0, c = 0, verb = 0 }: Partial<Record<'a' | 'b' | 'c' | 'verb', number>>,
  ): void {
    this.#object.handle(op, { ...header(op, 0, a, b, c, verb), payload: Buffer.alloc(0) }, this);
  }

  wait(request: number, place = 0): void {
    this.say(Op.Wait, { a: request, b: place, c: 1 });
  }

  cancel(request: number): void {
    this.say(Op.CancelWait, { a: request });
  }

  end(): void {
    this.#object.drop(this);
  }
}

function people(object: HubObject): [Fake, Fake, Fake] {
  return [new Fake(object), new Fake(object), new Fake(object)];
}

describe('semaphore', () => {
  const value = (peer: Fake) => {
    peer.say(Op.Do, { a: 99, verb: Verb.Value });
    return peer.answers.get(99);
  };
  const release = (peer: Fake, units = 1) => peer.say(Op.Do, { a: 98, b: units, verb: Verb.Release });

  test('a unit that another process released does not come back from the one that had it', () => {
    const [a, b, c] = people(new HubSemaphore({ kind: 'semaphore', initial: 1, max: 1 }));
    a.wait(1);
    release(b);
    c.wait(1);
    expect([a, c].map((peer) => peer.answers.get(1))).toEqual([1, 1]);
    a.end();
    expect(value(b)).toBe(0);
    c.end();
    expect(value(b)).toBe(1);
  });

  test('who released for another one gives back what it acquires itself', () => {
    const [a, b] = people(new HubSemaphore({ kind: 'semaphore', initial: 1, max: 1 }));
    a.wait(1);
    release(b);
    b.wait(1);
    b.end();
    expect(value(a)).toBe(1);
  });

  test('a grant that its process never noticed goes to the next one', () => {
    const [a, b, c] = people(new HubSemaphore({ kind: 'semaphore', initial: 1, max: 1 }));
    for (const peer of [a, b, c]) peer.wait(1);
    release(a);
    expect(b.answers.get(1)).toBe(1);
    expect(c.answers.has(1)).toBe(false);
    b.end();
    expect(c.answers.get(1)).toBe(1);
  });

  test('no bound, and a bound of 0', () => {
    const [a] = people(new HubSemaphore({ kind: 'semaphore', initial: 0, max: null }));
    release(a, 1000);
    expect(value(a)).toBe(1000);
    const [b] = people(new HubSemaphore({ kind: 'semaphore', initial: 0, max: 0 }));
    release(b);
    expect([b.answers.get(98), value(b)]).toEqual([0, 0]);
  });
});

describe('wait line', () => {
  const enter = (peer: Fake, place: number) => {
    peer.say(Op.Do, { b: place, verb: Verb.Enter });
    peer.wait(place, place);
  };
  const notify = (peer: Fake, count: number) => peer.say(Op.Do, { b: count, verb: Verb.Notify });

  test('what a process had not noticed when it ended goes on, but not to who came later', () => {
    const [a, b, c] = people(new HubWaitLine());
    enter(a, 1);
    notify(c, 1);
    enter(b, 1);
    a.end();
    expect(b.answers.has(1)).toBe(false);
    enter(c, 1);
    notify(c, 1);
    expect(b.answers.get(1)).toBe(1);
    b.end();
    expect(c.answers.get(1)).toBe(1); // it was there by then
  });

  test('it goes to the next of those who were there', () => {
    const [a, b, c] = people(new HubWaitLine());
    enter(a, 1);
    enter(b, 1);
    notify(c, 1);
    expect(b.answers.has(1)).toBe(false);
    a.end();
    expect(b.answers.get(1)).toBe(1);
  });

  test('what came too late for a closed handle goes on; what was noticed does not', () => {
    const [a, b, c] = people(new HubWaitLine());
    for (const peer of [a, b, c]) enter(peer, 1);
    notify(c, 1);
    a.say(Op.Do, { b: 1, c: 1, verb: Verb.Noticed });
    expect(b.answers.get(1)).toBe(1);
    b.say(Op.Do, { b: 1, verb: Verb.Noticed });
    b.end();
    expect(c.answers.has(1)).toBe(false);
  });
});

describe('gate', () => {
  const arrive = (peer: Fake, id: number) => {
    peer.say(Op.Do, { a: 1000 + id, b: id, verb: Verb.Arrive });
    return peer.answers.get(1000 + id);
  };
  const open = (peer: Fake, id: number) => {
    peer.say(Op.Do, { a: 2000 + id, b: id, verb: Verb.Open });
    return OUTCOMES[peer.answers.get(2000 + id) ?? -1];
  };
  const breakIt = (peer: Fake, why: (typeof OUTCOMES)[number]) =>
    peer.say(Op.Do, { b: OUTCOMES.indexOf(why), verb: Verb.Break });
  const outcome = (peer: Fake, request: number) => OUTCOMES[peer.answers.get(request) ?? -1];
  const broken = (peer: Fake) => arrive(peer, 77) === 0 && open(peer, 77) !== 'open';

  test('who is late has left: the others meet without it, each with an index of its own', () => {
    const [a, b, c] = people(new HubGate({ kind: 'gate', parties: 2 }));
    arrive(a, 1);
    a.wait(1, 1);
    a.cancel(1);
    expect(outcome(a, 1)).toBe('late');
    expect([arrive(b, 1), arrive(c, 1)]).toEqual([0, 1]);
    b.wait(1, 1);
    expect(open(c, 1)).toBe('open');
    expect(outcome(b, 1)).toBe('open');
    expect(outcome(a, 1)).toBe('late');
  });

  test('late when all are there: nobody gets through', () => {
    const [a, b, c] = people(new HubGate({ kind: 'gate', parties: 3 }));
    for (const peer of [a, b, c]) arrive(peer, 1);
    a.wait(1, 1);
    b.wait(1, 1);
    a.cancel(1);
    expect(open(c, 1)).toBe('timeout');
    expect(outcome(b, 1)).toBe('timeout');
  });

  test('who was late breaks it; if it ends before, that does', () => {
    const [a, b, c] = people(new HubGate({ kind: 'gate', parties: 3 }));
    for (const peer of [a, b]) {
      arrive(peer, 1);
      peer.wait(1, 1);
    }
    a.cancel(1);
    a.end();
    expect(outcome(b, 1)).toBe('died');
    c.say(Op.Do, { verb: Verb.Reset });
    for (const peer of [b, c]) {
      arrive(peer, 2);
      peer.wait(2, 2);
    }
    b.cancel(2);
    breakIt(b, 'timeout');
    expect(outcome(c, 2)).toBe('timeout');
  });

  test('late for what has been reset since breaks nothing', () => {
    const [a, b, c] = people(new HubGate({ kind: 'gate', parties: 2 }));
    arrive(a, 1);
    a.wait(1, 1);
    a.cancel(1);
    c.say(Op.Do, { verb: Verb.Reset });
    arrive(b, 1);
    b.wait(1, 1);
    breakIt(a, 'timeout');
    expect(outcome(b, 1)).toBeUndefined();
    arrive(c, 1);
    expect(open(c, 1)).toBe('open');
  });

  test('the last one hears what the others hear', () => {
    const [a, b, c] = people(new HubGate({ kind: 'gate', parties: 2 }));
    arrive(a, 1);
    arrive(b, 1);
    c.say(Op.Do, { verb: Verb.Reset });
    a.wait(1, 1); // its wait begins later than that
    expect(outcome(a, 1)).toBe('reset');
    expect(open(b, 1)).toBe('reset');
    arrive(a, 2);
    arrive(b, 2);
    a.wait(2, 2);
    b.end(); // in its action
    expect(outcome(a, 2)).toBe('died');
    expect(broken(c)).toBe(true);
  });

  test('two groups at a time do not disturb each other', () => {
    const [a, b, c] = people(new HubGate({ kind: 'gate', parties: 2 }));
    const d = a;
    expect([arrive(a, 1), arrive(b, 1), arrive(c, 1), arrive(d, 2)]).toEqual([0, 1, 0, 1]);
    a.wait(1, 1);
    c.wait(1, 1);
    expect(open(d, 2)).toBe('open');
    expect([outcome(c, 1), outcome(a, 1)]).toEqual(['open', undefined]);
    expect(open(b, 1)).toBe('open');
    expect(outcome(a, 1)).toBe('open');
  });
});
