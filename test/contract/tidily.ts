import type { Process } from 'forkful';

/** For what a test makes: when it is over its processes are killed, and then the rest is closed. */
export function tidily() {
  const open: { close(): void }[] = [];
  const running: Process[] = [];

  afterEach(async () => {
    for (const process of running.splice(0)) {
      process.kill('SIGKILL');
      await process.join();
    }
    for (const made of open.splice(0)) made.close();
  });

  return {
    closing<C extends { close(): void }>(made: C): C {
      open.push(made);
      return made;
    },
    /** Starts it. */
    async running(process: Process): Promise<Process> {
      running.push(process);
      try {
        await process.start();
      } catch (error) {
        running.splice(running.indexOf(process), 1);
        throw error;
      }
      return process;
    },
  };
}
