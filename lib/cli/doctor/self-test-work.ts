import type { Queue } from '../../queue';

/** What children of the self-test run. */

/** Sends back what comes, until that is null. */
export async function echo(questions: Queue, answers: Queue): Promise<void> {
  for (;;) {
    const value = await questions.get();
    if (value === null) return;
    await answers.put(value);
  }
}

export function ownPid(): number {
  return process.pid;
}

export function square(n: number): number {
  return n * n;
}

/** Ends its worker as a crash would. */
export function die(): void {
  process.kill(process.pid, 'SIGKILL');
}
