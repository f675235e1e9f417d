/** Small differences between platforms; `platform` is process.platform. */

/** Whether a process's title is its own: on Windows it is that of the console, which it shares with its parent. */
export function hasOwnTitle(platform: string): boolean {
  return platform !== 'win32';
}

/** Whether names of environment variables that differ in case only are the same: then the one that was set last counts. */
export function variablesOf(
  env: Readonly<Record<string, string | undefined>>,
  platform: string,
): Map<string, string> {
  const spelling = new Map<string, string>();
  const variables = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    const key = platform === 'win32' ? name.toUpperCase() : name;
    const before = spelling.get(key);
    if (before !== undefined) variables.delete(before);
    spelling.set(key, name);
    if (value !== undefined) variables.set(name, value);
  }
  return variables;
}

/** What to look at when the system refuses another process. */
export function processLimits(platform: string): string {
  return platform === 'win32'
    ? 'check the memory'
    : 'check the limits of processes, descriptors and memory (ulimit -u, ulimit -n' +
        `${platform === 'linux' ? ', cgroup' : ''})`;
}
