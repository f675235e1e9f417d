/** What a fresh Node gets from the kernel and a forked one from its parent. */
export interface Surroundings {
  /** '': as it is. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Does for a forked child what exec does for others. */
export function surround({ cwd, env }: Surroundings): void {
  for (const name of Object.keys(process.env))
    if (!Object.hasOwn(env, name)) Reflect.deleteProperty(process.env, name);
  for (const [name, value] of Object.entries(env)) if (process.env[name] !== value) process.env[name] = value;
  if (cwd !== '') process.chdir(cwd);
}
