import { inspect } from 'node:util';
import type { Decode, Duplex, Upstream } from './backend/backend';
import { identify, whileImporting } from './current';
import { SerializationError } from './errors';
import { instantiate, load, type TargetReference } from './function-ref';
import { whenComplete } from './handles';
import './index'; // every class whose handles may be among the arguments
import { decodeStart, encodeReport, type Report, type StartMessage } from './messages';
import { afterFork } from './on-fork';
import { prefixLines } from './line-prefix';
import { hasOwnTitle } from './platform';
import { adoptSelf, isProcessClass } from './process';

function report(link: Duplex<StartMessage>, content: Report): void {
  const { data, length, shares } = encodeReport(content);
  try {
    link.sendSync(0, data, length, Infinity, shares);
  } catch {
    // The parent has gone, or wants to know nothing any more.
  }
}

async function execute(target: TargetReference, args: readonly unknown[]): Promise<unknown> {
  const loaded = await whileImporting(() => load(target));
  await whenComplete();
  if ('call' in loaded) return loaded.call(...args);
  const { Class, fields } = loaded;
  const object = isProcessClass(Class.prototype)
    ? adoptSelf(Class.prototype, fields)
    : instantiate(Class, fields);
  return object.run(...args);
}

/** To consoles of Windows, and to pipes elsewhere, streams may write later: process.exit() would not wait for that. */
function print(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stderr.write(text, () => {
      resolve();
    });
  });
}

/** Takes this process's orders from its parent, runs the target, reports. */
export async function runChild(connect: <T>(decode: Decode<T>) => Upstream<T>): Promise<void> {
  const upstream: Upstream<StartMessage> = connect((message) =>
    decodeStart(message, (count) => upstream.receiveDescriptors(count)),
  );
  const { link } = upstream;
  const start = upstream.takeOrders();
  if (!start.detached) upstream.dieWithParent();
  const { name, daemon, worker, parentPid, parentName, target, args } = start;
  identify({ name, daemon, worker, parent: { pid: parentPid, name: parentName } });
  if (hasOwnTitle(process.platform)) process.title = `node: ${name}`;

  if (start.linePrefix !== undefined) prefixLines(start.linePrefix);

  let reported = false;
  const fail = (error: unknown) => {
    process.stderr.write(`Process ${name}:\n`);
    if (!reported) report(link, { kind: 'error', error });
    reported = true;
  };
  // Errors that nobody caught, wherever they come from, end the process by Node's own rules; the parent learns of them.
  process.on('uncaughtExceptionMonitor', fail);

  let value: unknown;
  try {
    await afterFork();
    value = await execute(target, args);
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
