import type { Share } from './backend';

/** What a program tells the kernel of how it will use pages. In this order in native/addon/mapping_object.cc too. */
export const ADVICE = [
  'normal',
  'random',
  'sequential',
  'willneed',
  'hugepage',
  'nohugepage',
  'remove',
] as const;
export type Advice = (typeof ADVICE)[number];

/** Shared pages without anything of ours in them. */
export interface MappedPages {
  /** Over the shared bytes, from the beginning of a page; detached by {@link close}. */
  readonly buffer: ArrayBuffer;
  /** Takes the memory of all pages. @throws MemoryError if there is not enough */
  populate(): void;
  /** For the pages that lie wholly in the range. @throws UnsupportedError if this kernel does not know it */
  advise(offset: number, length: number, advice: Advice): void;
  share(): Share;
  close(): void;
}

/** How a wait on a futex word ended. */
export const WordWait = { Woken: 0, NotEqual: 1, TimedOut: 2 } as const;

/** What there is of shared memory below the primitives. */
export interface MappingBackend {
  /**
   * Zeros that take memory when they are touched.
   * @throws UnsupportedError if this backend cannot share memory
   * @throws MemoryError if there are not enough addresses
   */
  createMapping(bytes: number): MappedPages;
  openMapping(share: Share): MappedPages;
  /**
   * Blocks the thread while the first element of `word` is `expected`, for at most `timeout` ms and for no longer than
   * this thread may block at a time.
   */
  waitForWord(word: Int32Array, expected: number, timeout: number): number;
  /** How many waited, in any process, and were woken. */
  wakeWord(word: Int32Array, most: number): number;
}
