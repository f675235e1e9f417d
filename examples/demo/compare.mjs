import { createHash } from 'node:crypto';
import { relative } from 'node:path';

/**
 * @typedef {object} Comparison
 * @property {string[]} digests SHA-256 of each pass's sorted results, over the files that can be compared
 * @property {boolean} identical none was lost, and none is different
 * @property {number} compared files
 * @property {string[]} changed files that somebody changed between or during the passes
 * @property {string[]} tooDeep files that exceeded the stack in one pass only
 * @property {string[]} lost files without a result, because a worker died
 * @property {string[]} different files that did not change and yet have different results: there must be none
 */

/**
 * Whether all passes found the same.
 * @param {string} root
 * @param {readonly string[]} files
 * @param {readonly (readonly import('./facts.mjs').Result[])[]} passes
 * @returns {Comparison}
 */
export function compare(root, files, passes) {
  const tables = passes.map((results) => new Map(results.map((result) => [result.path, result])));
  const hashes = passes.map(() => createHash('sha256'));
  const comparison = { changed: [], tooDeep: [], lost: [], different: [], compared: 0 };
  for (const file of [...files].sort()) {
    const results = tables.map((table) => table.get(file));
    const texts = results.map((result) => result && text(root, result));
    const same = new Set(texts).size === 1;
    if (results.some(isLost)) {
      comparison.lost.push(file);
    } else if (!same && new Set(results.map(({ stamp }) => stamp)).size > 1) {
      comparison.changed.push(file);
    } else if (!same && results.some((result) => result.problem?.kind === 'too deep')) {
      comparison.tooDeep.push(file);
    } else {
      if (!same) comparison.different.push(file);
      comparison.compared++;
      for (const [i, hash] of hashes.entries()) hash.update(texts[i]);
    }
  }
  const digests = hashes.map((hash) => hash.digest('hex'));
  const complete = passes.every((results) => results.length === files.length) && comparison.lost.length === 0;
  return { ...comparison, digests, identical: complete && new Set(digests).size === 1 };
}

function isLost(result) {
  return result === undefined || result.problem?.kind === 'lost';
}

/** A result without its stamp, in a fixed order. */
function text(root, result) {
  const { path, size, sha256, gzip, lines, words, js, problem } = result;
  const worst = js?.worst.map(({ name, line, complexity }) => [name, line, complexity]);
  return `${JSON.stringify([
    relative(root, path),
    [size, sha256, gzip, lines, words],
    js && [js.functions, js.nodes, js.complexity, worst],
    problem && [problem.kind, problem.detail],
  ])}\n`;
}
