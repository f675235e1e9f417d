import { join } from 'node:path';

/**
 * The path of a file of this library, as it is built: threads and children are started by it. Most modules lie in one
 * file with others, and know no folder of their own.
 * @param path from the folder of this module
 */
export function ownFile(path: string): string {
  return join(__dirname, path);
}
