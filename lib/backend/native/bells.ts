import { addon } from './addon';
import { reactor } from './reactor';

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
  readonly #handlers = new Map<number, Set<() => void>>();
  #descriptor = -1;
  #token = 0;

  watch(file: number, handler: () => void): () => void {
    if (this.#handlers.size === 0) this.#open();
    const number = addon.watchBell(this.#descriptor, file);
    let handlers = this.#handlers.get(number);
    if (handlers === undefined) this.#handlers.set(number, (handlers = new Set()));
    handlers.add(handler);
    return () => {
      if (!handlers.delete(handler) || handlers.size > 0) return;
      this.#handlers.delete(number);
      addon.unwatchBell(this.#descriptor, number);
      if (this.#handlers.size === 0) this.#close();
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

  #hear(): void {
    const rung = new Set(addon.readBells(this.#descriptor));
    const numbers = rung.has(-1) ? [...this.#handlers.keys()] : [...rung];
    for (const number of numbers) {
      for (const handler of [...(this.#handlers.get(number) ?? [])]) handler();
    }
  }
}

const files = new Files();

/** A file of shared memory; the bell is a word of it. */
export function fileBell(file: number): Bell {
  return { watch: (handler) => files.watch(file, handler) };
}
