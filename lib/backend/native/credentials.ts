/** Who this process is for the system. It may change: a server gives up its privileges when it has its port. */
export function credentials(): string {
  const { getuid, geteuid, getgid, getegid, getgroups } = process;
  return JSON.stringify([getuid?.(), geteuid?.(), getgid?.(), getegid?.(), getgroups?.()]);
}
