import { readdirSync, readFileSync, statSync } from 'node:fs';

/** The names in a folder; none if there is none, or not any more. */
export function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it is another system's, or of a process that has ended
  }
}

/** What a file says; '' if there is none, or not any more. */
export function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

/** Their pids; none where the system does not tell. */
export function processesOfUser(): string[] {
  const uid = process.geteuid?.();
  return list('/proc').filter((name) => /^\d+$/.test(name) && ownerOf(`/proc/${name}`) === uid);
}

function ownerOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.uid ?? -1;
}
