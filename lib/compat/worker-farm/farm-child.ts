import { EventEmitter } from 'node:events';
import { UnsupportedError } from '../../errors';

/** What `onChild` gets of a worker: its pid, `kill`, and the event 'exit' with code and signal. */
export class FarmChild extends EventEmitter<{ exit: [code: number | null, signal: NodeJS.Signals | null] }> {
  readonly pid: number;
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;

  constructor(pid: number) {
    super();
    this.pid = pid;
  }

  kill(signal: NodeJS.Signals | number = 'SIGTERM'): boolean {
    if (this.exitCode !== null || this.signalCode !== null) return false;
    return process.kill(this.pid, signal);
  }

  /** @throws UnsupportedError always */
  send(): never {
    throw new UnsupportedError(
      "worker-farm's child.send() is not there: the processes of a forkful pool have no channel of that kind; pass a " +
        'Queue or a Connection of forkful as an argument of a call',
    );
  }
}
