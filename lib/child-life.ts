import { inspect } from 'node:util';
import type { Duplex } from './backend/backend';
import { identify, type Identity } from './current';
import { SerializationError } from './errors';
import { whenForked } from './forked';
import { prefixLines } from './line-prefix';
import { encodeReport, type Report } from './messages';
import { afterFork } from './on-fork';
import { hasOwnTitle } from './platform';

function report(link: Duplex<unknown>, content: Report): void {
  const { data, length, shares } = encodeReport(content);
  try {
    link.sendSync(0, data, length, Infinity, shares);
  } catch {
    // The parent has gone, or wants to know nothing any more.
  }
}

/** To consoles of Windows, and to pipes elsewhere, streams may write later: process.exit() would not wait for that. */
function print(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stderr.write(text, () => {
      resolve();
    });
  });
}

export interface Appearance {
  readonly identity: Identity;
  /** Precedes each line that it prints. */
  readonly linePrefix: string | undefined;
}

/** A child's life: does what it is there for, and reports to its parent how that went. */
export async function live(
  link: Duplex<unknown>,
  { identity, linePrefix }: Appearance,
  act: () => unknown,
): Promise<void> {
  const { name } = identity;
  identify(identity);
  if (hasOwnTitle(process.platform)) process.title = `node: ${name}`;
  if (linePrefix !== undefined) prefixLines(linePrefix);

  let reported = false;
  const fail = (error: unknown) => {
    process.stderr.write(`Process ${name}:\n`);
    if (!reported) report(link, { kind: 'error', error });
    reported = true;
  };
  // Errors that nobody caught, wherever they come from, end the process by Node's own rules; the parent learns of them.
  process.on('uncaughtExceptionMonitor', fail);
  whenForked(() => {
    process.off('uncaughtExceptionMonitor', fail);
  });

  let value: unknown;
  try {
    await afterFork();
    value = await act();
  } catch (error) {
    fail(error);
    await print(`${error instanceof Error ? (error.stack ?? String(error)) : inspect(error)}\n`);
    process.exit(1);
  }
  reported = true;
  try {
    report(link, { kind: 'result', value });
  } catch (error) {
    if (!(error instanceof SerializationError)) throw error;
    report(link, { kind: 'error', error });
  }
}
