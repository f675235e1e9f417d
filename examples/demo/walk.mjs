import { lstatSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { kindOf, problemOf } from './facts.mjs';

/**
 * @typedef {object} Listing
 * @property {string[]} files regular files, the largest first: so that no way of working ends with one long file alone
 * @property {number} bytes in those files
 * @property {number} folders
 * @property {number} links symbolic links that lead somewhere; none is followed, so that every file counts once
 * @property {{ path: string, problem: import('./facts.mjs').Problem }[]} problems what is no regular file, or unreadable
 */

/**
 * Lists every file below a folder, and opens none of them.
 * @param {string} root an absolute path without links
 * @returns {Listing}
 */
export function walk(root) {
  const sized = [];
  const listing = { files: [], bytes: 0, folders: 0, links: 0, problems: [] };
  const folders = [root];
  for (let folder; (folder = folders.pop()) !== undefined;) {
    let names;
    try {
      names = readdirSync(folder);
    } catch (error) {
      listing.problems.push({ path: folder, problem: problemOf(error) });
      continue;
    }
    listing.folders++;
    for (const name of names) {
      const path = join(folder, name);
      try {
        const status = lstatSync(path);
        if (status.isDirectory()) folders.push(path);
        else if (status.isFile()) sized.push({ path, size: status.size });
        else if (status.isSymbolicLink()) visitLink(path, listing);
        else
          listing.problems.push({
            path,
            problem: { kind: 'special', detail: `${kindOf(status)}, never opened` },
          });
      } catch (error) {
        listing.problems.push({ path, problem: nameProblem(name, error) });
      }
    }
  }
  sized.sort((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1));
  listing.files = sized.map(({ path }) => path);
  for (const { size } of sized) listing.bytes += size;
  return listing;
}

function visitLink(path, listing) {
  let target;
  try {
    target = realpathSync.native(path);
  } catch (error) {
    const detail =
      error.code === 'ELOOP' ? 'a link that leads to itself' : `a link that leads nowhere (${error.code})`;
    listing.problems.push({ path, problem: { kind: 'link', detail } });
    return;
  }
  const inside = target.endsWith(sep) ? target : target + sep;
  if (`${dirname(path)}${sep}`.startsWith(inside)) {
    listing.problems.push({
      path,
      problem: { kind: 'link', detail: 'a link to a folder above it: a loop, not followed' },
    });
    return;
  }
  listing.links++;
}

/** A name that is not UTF-8 cannot be given back to the file system as a string. */
function nameProblem(name, error) {
  if (name.includes('\ufffd')) return { kind: 'unreadable', detail: 'its name is not UTF-8' };
  return problemOf(error);
}
