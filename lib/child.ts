import type { Decode, Upstream } from './backend/backend';
import { live } from './child-life';
import { whileImporting } from './current';
import { instantiate, load, type TargetReference } from './function-ref';
import { whenComplete } from './handles';
import './index'; // every class whose handles may be among the arguments
import { decodeStart, type StartMessage } from './messages';
import { adoptSelf, isProcessClass } from './process';

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

/** Takes this process's orders from its parent, runs the target, reports. */
export async function runChild(connect: <T>(decode: Decode<T>) => Upstream<T>): Promise<void> {
  const upstream: Upstream<StartMessage> = connect((message) =>
    decodeStart(message, (count) => upstream.receiveDescriptors(count)),
  );
  const start = upstream.takeOrders();
  if (!start.detached) upstream.dieWithParent();
  const { name, daemon, worker, parentPid, parentName, linePrefix, target, args } = start;
  const identity = { name, daemon, worker, parent: { pid: parentPid, name: parentName } };
  await live(upstream.link, { identity, linePrefix }, () => execute(target, args));
}
