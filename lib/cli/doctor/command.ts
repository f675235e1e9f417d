import { cpus } from './cpus';
import { failure } from './failure';
import { findingsOf, type Finding } from './finding';
import { limits } from './limits';
import { describeMachine, machine } from './machine';
import { printed } from './print';

/** Looks at everything and prints it; the exit code. */
export async function doctor(json: boolean): Promise<number> {
  const facts = machine(); // before descriptors may be short
  const findings = await examine();
  const isOk = findings.every(({ status }) => status !== 'problem');
  process.stdout.write(
    json
      ? `${JSON.stringify({ ok: isOk, ...facts, findings }, undefined, 2)}\n`
      : printed(describeMachine(facts), findings),
  );
  return isOk ? 0 : 1;
}

async function examine(): Promise<Finding[]> {
  let library;
  try {
    library = await import('./library.js');
  } catch (error) {
    const { text, remedy } = failure(error);
    return [
      findingsOf('backend').problem('backend', `the library cannot be loaded: ${text}`, remedy),
      ...cpus(),
      ...limits('native'), // what was to be loaded
    ];
  }
  const before = [...cpus(), ...limits(library.backendName)];
  const memory = await library.sharedMemory();
  // Whether forkservers can be used is known only when one was started, so that is told last though it is printed first.
  const tested = await library.selfTest();
  return [...library.backendFindings(), ...library.startMethods(), ...before, ...memory, ...tested];
}
