/** What to do about what a system refuses. */
const REMEDIES: Readonly<Record<string, string>> = {
  EMFILE: 'raise the limit of descriptors (ulimit -n, LimitNOFILE=, docker --ulimit nofile=)',
  ENFILE: 'raise the limit of open files of the whole system (sysctl fs.file-max)',
  EAGAIN: 'raise the limit of processes (ulimit -u, TasksMax=, docker --pids-limit)',
  ENOMEM: 'give this program more memory (ulimit -v, MemoryMax=, docker --memory)',
  EPERM: 'allow it in the sandbox or its seccomp profile',
  EACCES: 'allow it in the sandbox or its seccomp profile',
};

/** What an error means to somebody who asked what is wrong: its message, and what to do. */
export function failure(error: unknown): { readonly text: string; readonly remedy: string } {
  const { message, code = '' } = error as NodeJS.ErrnoException;
  const text = error instanceof Error ? message : String(error);
  // The library's own messages end with how to mend it; more is told under the heading of the code.
  const remedy = code.startsWith('ERR_FORKFUL_')
    ? `see docs/errors.md#${code.toLowerCase()}`
    : (REMEDIES[code] ?? 'run it again with NODE_DEBUG=forkful, which shows what was done before');
  return { text, remedy };
}
