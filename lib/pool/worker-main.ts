import { whileImporting } from '../current';
import { BrokenPipeError, EndOfFileError } from '../errors';
import type { TargetReference } from '../function-ref';
import { importModule } from '../import-module';
import { isDone } from '../preload';
import { callable } from './callable';
import { decodeControl } from './control';
import { beWorker } from './current-task';
import { Kind, decodeOrder, encodeError, encodeProgress, type WorkerLink } from './protocol';
import { Retirement, type RetirementLimits } from './retirement';
import { Runner } from './runner';
import { StopRequests } from './stop-requests';
import { Yielding } from './yielding';

const NO_BYTES = new Uint8Array(0);

/** A function of the user's beside the tasks. */
export interface Hook {
  readonly reference: TargetReference;
  readonly args: readonly unknown[];
}

/** What a worker is told at its start. */
export interface WorkerSettings {
  readonly id: number;
  readonly concurrency: number;
  /** File names and URLs. */
  readonly preload: readonly string[];
  readonly warmup: Hook | undefined;
  readonly initializer: Hook | undefined;
  readonly finalizer: Hook | undefined;
  readonly limits: RetirementLimits;
  /** Whether the pool reads what it prints. */
  readonly isRead: boolean;
}

/** The target of a pool's workers: runs what comes until the pool closes the link. */
export async function runWorker(
  link: WorkerLink,
  control: WorkerLink,
  settings: WorkerSettings,
): Promise<void> {
  // Ctrl-C in a terminal reaches every process of the group; the pool's owner decides what it means.
  process.on('SIGINT', () => undefined);
  const duplex = link.open(decodeOrder);
  const yielding = new Yielding();
  const requests = new StopRequests(control.open(decodeControl), {
    stopped: (task) => {
      yielding.wake(task);
    },
    granted: (task, count) => {
      yielding.grant(task, count);
    },
  });
  beWorker({
    requests,
    workerId: settings.id,
    tell: (task, value) => {
      const { buffer, length } = encodeProgress(task, value);
      duplex.sendSync(Kind.Progress, buffer, length, Infinity);
    },
  });
  const { initializer, finalizer, concurrency, limits } = settings;
  const preload = settings.preload.filter((module) => !isDone(module));
  const warmup = isDone(settings.warmup?.reference) ? undefined : settings.warmup;
  if (preload.length > 0 || warmup !== undefined || initializer !== undefined) {
    duplex.sendSync(Kind.Initializing, NO_BYTES, 0, Infinity);
    try {
      await whileImporting(async () => {
        for (const module of preload) await importModule(module);
      });
      await call(warmup);
      await call(initializer);
    } catch (error) {
      const { buffer, length } = encodeError(error);
      duplex.sendSync(Kind.InitializerFailed, buffer, length, Infinity);
      process.exit(1);
    }
  }
  try {
    duplex.sendSync(Kind.Ready, NO_BYTES, 0, Infinity);
    await new Runner(duplex, requests, yielding, concurrency, new Retirement(limits)).run();
  } catch (error) {
    // The pool has closed the link.
    if (!(error instanceof EndOfFileError || error instanceof BrokenPipeError)) throw error;
  }
  await call(finalizer);
  if (settings.isRead) await Promise.all([written(process.stdout), written(process.stderr)]);
  // What tasks left behind (timers, servers) does not keep a worker alive.
  process.exit();
}

/** To a pipe, Node writes later what does not fit, and process.exit() would not wait for that. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => {
      resolve();
    });
  });
}

async function call(hook: Hook | undefined): Promise<void> {
  if (hook === undefined) return;
  const { reference, args } = hook;
  await (
    await callable(reference)
  )(...args);
}
