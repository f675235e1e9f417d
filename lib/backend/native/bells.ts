import type { Deadline } from '../../deadlines';
import { whenForked } from '../../forked';
import { addon } from './addon';
import { reactor } from './reactor';

/** How soon (ms) to look for oneself where nothing can be heard. */
const LOOK = 50;

/** What tells this thread's event loop that somebody's condition may have become true. */
export interface Bell {
  /** Do it before the first arming, or the first ring may be lost. Returns what ends it. */
  watch(handler: () => void): () => void;
}

/** An eventfd that is written and never read. */
export function eventBell(event: number): Bell {
  return {
    watch(handler) {
      const token = reactor.watch(event, handler);
      return () => {
        reactor.unwatch(event, token);
      };
    },
  };
}

/**
 * The files whose bells this thread hears. Each thread has an inotify descriptor of its own: what it tells is nobody
 * else's, and it is emptied before anybody looks, so that whatever comes afterwards is news again.
 */
class Files {
  #handlers = new Map<number, { readonly file: number; readonly acts: Set<() => void> }>();
  #descriptor = -1;
  #token = 0;

  constructor() {
    whenForked(() => {
      this.#partFromParent();
    });
  }

  watch(file: number, handler: () => void): () => void {
    try {
      return this.#listen(file, handler);
    } catch {
      return this.#lookAgain(file, handler);
    }
  }

  #listen(file: number, handler: () => void): () => void {
    if (this.#handlers.size === 0) this.#open();
    let number: number;
    try {
      number = addon.watchBell(this.#descriptor, file);
    } catch (error) {
      if (this.#handlers.size === 0) this.#close();
      throw error;
    }
    let entry = this.#handlers.get(number);
    if (entry === undefined) this.#handlers.set(number, (entry = { file, acts: new Set() }));
    const { acts } = entry;
    acts.add(handler);
    return () => {
      if (!acts.delete(handler) || acts.size > 0) return;
      // In a forked child the number may be another one.
      for (const [now, { acts: those }] of this.#handlers) {
        if (those !== acts) continue;
        this.#handlers.delete(now);
        addon.unwatchBell(this.#descriptor, now);
      }
      if (this.#handlers.size === 0) this.#close();
    };
  }

  /** Without news, until the user has an inotify instance to spare: one looks by oneself. */
  #lookAgain(file: number, handler: () => void): () => void {
    let stop: (() => void) | undefined;
    let later: Deadline | undefined;
    const wait = () => {
      later = reactor.deadlines.set(LOOK, () => {
        try {
          stop = this.#listen(file, handler);
          later = undefined;
        } catch {
          wait();
        }
        handler(); // of what came before it was listened to
      });
      later?.timer?.unref(); // whoever waits holds the event loop
    };
    wait();
    return () => {
      stop?.();
      reactor.deadlines.clear(later);
    };
  }

  #open(): void {
    this.#descriptor = addon.openBells();
    this.#token = reactor.watch(this.#descriptor, () => {
      this.#hear();
    });
  }

  #close(): void {
    reactor.unwatch(this.#descriptor, this.#token);
    addon.closeDescriptors([this.#descriptor]);
  }

  /** In a forked child: what the parent's descriptor tells is the parent's. */
  #partFromParent(): void {
    if (this.#handlers.size === 0) return;
    const inherited = this.#handlers;
    this.#handlers = new Map();
    this.#close();
    this.#open();
    for (const entry of inherited.values()) {
      this.#handlers.set(addon.watchBell(this.#descriptor, entry.file), entry);
    }
  }

  #hear(): void {
    const rung = new Set(addon.readBells(this.#descriptor));
    const numbers = rung.has(-1) ? [...this.#handlers.keys()] : [...rung];
    for (const number of numbers) {
      for (const handler of [...(this.#handlers.get(number)?.acts ?? [])]) handler();
    }
  }
}

const files = new Files();

/** A file of shared memory; the bell is a word of it. */
export function fileBell(file: number): Bell {
  return { watch: (handler) => files.watch(file, handler) };
}
