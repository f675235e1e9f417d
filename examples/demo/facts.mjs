import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { inspectJavaScript, isJavaScript } from './javascript.mjs';

/**
 * What is learnt about one file. A small object: this is all that comes back from another process.
 * @typedef {object} Result
 * @property {string} path
 * @property {string} stamp inode, size and times: if it differs between two passes, somebody changed the file
 * @property {number} [size] bytes read
 * @property {string} [sha256]
 * @property {number} [gzip] bytes when compressed
 * @property {number} [lines] as `wc -l` counts
 * @property {number} [words] as `wc -w` counts
 * @property {import('./javascript.mjs').JavaScriptFacts} [js]
 * @property {Problem} [problem]
 *
 * @typedef {object} Problem
 * @property {'unreadable' | 'vanished' | 'special' | 'unparsable' | 'too deep' | 'link' | 'lost'} kind
 * @property {string} detail
 */

/** Files are read in blocks of this size and compressed block by block (a legal .gz), so memory stays bounded. */
export const BLOCK_BYTES = 16 * 1024 * 1024;

/**
 * Never through a link; and never waiting, should somebody put a FIFO in the place of the file meanwhile.
 * (Windows has neither flag.)
 */
export const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const NEWLINE = 10;

/** Collects a file's facts, block after block. The three ways differ only in how they read and compress. */
export class Facts {
  #hash = createHash('sha256');
  #size = 0;
  #gzip = 0;
  #lines = 0;
  #words = 0;
  #inWord = false;
  #source;

  constructor(path) {
    this.path = path;
  }

  /**
   * @param {Buffer} block
   * @param {number} compressedBytes of this block
   */
  add(block, compressedBytes) {
    this.#source = this.#size === 0 ? block : undefined;
    this.#size += block.length;
    this.#gzip += compressedBytes;
    this.#hash.update(block);
    let inWord = this.#inWord;
    for (let i = 0; i < block.length; i++) {
      const byte = block[i];
      if (byte === NEWLINE) this.#lines++;
      const space = byte === 32 || (byte >= 9 && byte <= 13);
      if (!space && !inWord) this.#words++;
      inWord = !space;
    }
    this.#inWord = inWord;
  }

  /**
   * @param {string} stamp
   * @returns {Result}
   */
  finish(stamp) {
    const result = {
      path: this.path,
      stamp,
      size: this.#size,
      sha256: this.#hash.digest('hex'),
      gzip: this.#gzip,
      lines: this.#lines,
      words: this.#words,
    };
    if (!isJavaScript(this.path)) return result;
    if (this.#size > BLOCK_BYTES)
      return { ...result, problem: { kind: 'unparsable', detail: 'too large to parse' } };
    const source = this.#source?.toString('utf8') ?? '';
    return { ...result, ...inspectJavaScript(this.path, source) };
  }
}

/** @param {import('node:fs').BigIntStats} status */
export function stampOf({ ino, size, mtimeNs, ctimeNs }) {
  return [ino, size, mtimeNs, ctimeNs].join(':');
}

/** @param {import('node:fs').BigIntStats} status */
export function kindOf(status) {
  if (status.isFIFO()) return 'a FIFO';
  if (status.isSocket()) return 'a socket';
  if (status.isCharacterDevice()) return 'a character device';
  if (status.isBlockDevice()) return 'a block device';
  if (status.isSymbolicLink()) return 'a symbolic link';
  if (status.isDirectory()) return 'a folder';
  return 'not a regular file';
}

/** @returns {Problem} */
export function specialProblem(status) {
  return { kind: 'special', detail: `${kindOf(status)}, never opened` };
}

/**
 * Errors of the file system, as problems of one file.
 * @returns {Problem}
 */
export function problemOf(error) {
  const { code, message } = error;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return { kind: 'vanished', detail: 'it was there when the folder was listed' };
  if (code === 'ELOOP') return { kind: 'special', detail: 'replaced by a symbolic link meanwhile' };
  return { kind: 'unreadable', detail: code ?? message };
}
