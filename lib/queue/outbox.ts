import { backend } from '../backend';
import type { Channel } from '../backend/backend';
import { whenForked } from '../forked';
import { settlesWithin } from '../settled';
import { describeBounds, type QueueSettings } from './options';

type Puts = Pick<Channel<never>, 'pendingSends' | 'holdSends'>;

/** The puts of one queue of this process that wait for room. */
export class Outbox {
  readonly #channel: Puts;
  readonly #settings: QueueSettings;
  readonly #puts = new Set<Promise<void>>();
  #cancelled = false;

  constructor(channel: Puts, settings: QueueSettings) {
    this.#channel = channel;
    this.#settings = settings;
  }

  /** Counts a put that waits. What it returns stands for it. */
  add(put: Promise<void>): Promise<void> {
    this.#puts.add(put);
    if (!this.#cancelled) flushAtExit(this);
    return put.finally(() => {
      this.#puts.delete(put);
      if (this.#puts.size === 0) unflushed.delete(this);
    });
  }

  /** Whether all that was put before is in the queue, or has failed, within the time. */
  async flush(wait: {
    readonly timeout: number;
    readonly signal: AbortSignal | undefined;
  }): Promise<boolean> {
    if (this.#channel.pendingSends() === 0) return true;
    if (wait.timeout <= 0) return false;
    backend.hold(1); // after cancel() the puts themselves do not
    try {
      return await settlesWithin(Promise.allSettled(this.#puts), wait);
    } finally {
      backend.hold(-1);
    }
  }

  /** Like {@link flush}, and blocks the thread meanwhile. */
  flushSync(timeout: number): boolean {
    return backend.runUntil(() => this.#channel.pendingSends() === 0, timeout);
  }

  /** From now on the end of the process does not wait. */
  cancel(): void {
    this.#cancelled = true;
    this.#channel.holdSends(false);
    unflushed.delete(this);
  }

  /** In a forked child. */
  forget(): void {
    this.#puts.clear();
  }

  /** @param begun when the process began to exit */
  flushNow(begun: number): void {
    const { flushTimeout } = this.#settings;
    if (this.flushSync(Math.max(0, flushTimeout - (performance.now() - begun)))) return;
    const count = this.#channel.pendingSends();
    // A warning of Node's would come after the end.
    process.stderr.write(
      `(node:${process.pid}) ForkfulWarning: process.exit() lost ${count} message${count === 1 ? '' : 's'} that waited ` +
        `for room in a Queue (${describeBounds(this.#settings)}): nobody made room within its flushTimeout of ` +
        `${flushTimeout} ms. Let put() finish first (await it, or q.flush()), or give them up by q.cancelFlush()\n`,
    );
  }
}

const unflushed = new Set<Outbox>();
let listening = false;

whenForked(() => {
  for (const outbox of unflushed) outbox.forget(); // the parent will send them
  unflushed.clear();
  listening = false;
});

// The natural end of a process waits because the puts hold its event loop. This is for process.exit() and uncaught
// errors; before all other listeners, because one of them ends the children that may make room.
function flushAtExit(outbox: Outbox): void {
  unflushed.add(outbox);
  if (listening) return;
  listening = true;
  process.prependListener('exit', () => {
    const begun = performance.now();
    for (const each of unflushed) each.flushNow(begun);
  });
}
