import { posix, win32 } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the spelling of files differs between platforms; `platform` is process.platform. */

/** What a user gave to name a module. */
export type Spelling = 'path' | 'url' | 'relative' | 'bare';

export function spellingOf(module: string, platform: string): Spelling {
  const onWindows = platform === 'win32';
  if ((onWindows ? win32 : posix).isAbsolute(module)) return 'path';
  // One letter is a drive; what follows it here is relative to that drive's own working directory.
  if (onWindows && /^[a-z]:/i.test(module)) return 'relative';
  if (/^[a-z][a-z\d+.-]+:/i.test(module)) return 'url';
  return module === '' || module.startsWith('.') ? 'relative' : 'bare';
}

/** The file that a file: URL names. What names none, such as a sourceURL that somebody made up, stays as it is. */
export function pathOf(url: string, platform: string): string {
  if (!url.startsWith('file:')) return url;
  try {
    return fileURLToPath(url, { windows: platform === 'win32' });
  } catch {
    return url;
  }
}

/**
 * Under which of these names a file is known. URLs write the host of a network path in lower case, and Windows does not
 * care for case nor for the direction of slashes.
 */
export function knownAs(
  path: string,
  names: Readonly<Record<string, unknown>>,
  platform: string,
): string | undefined {
  if (names[path] !== undefined) return path;
  if (platform !== 'win32') return undefined;
  const canonical = canonicalOf(path);
  return Object.keys(names).find((name) => canonicalOf(name) === canonical);
}

function canonicalOf(path: string): string {
  return win32.normalize(path).toLowerCase();
}
