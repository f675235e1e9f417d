import { decision } from '../../backend';
import { METHODS, getAllStartMethods, whyUnavailable } from '../../start-method';
import { findingsOf, type Finding } from './finding';

export const backendName = decision.name;

export function backendFindings(): Finding[] {
  const { ok, note, problem } = findingsOf('backend');
  const { name, reason, remedy } = decision;
  const text = `${name}, because ${reason}`;
  const details = { values: { name } };
  if (remedy !== undefined) return [problem('backend', text, remedy, details)];
  if (name === 'native') return [ok('backend', text, details)];
  return [note('backend', `${text}; it is slower, and shares no data`, 'see docs/backends.md', details)];
}

export function startMethods(): Finding[] {
  const { ok, note } = findingsOf('start methods');
  const [usual] = getAllStartMethods();
  return METHODS.map((method) => {
    const reason = whyUnavailable(method);
    const role = method === usual ? 'available, and the default' : 'available';
    if (reason === undefined) return ok(method, role);
    return note(method, `not available: ${reason}`, `${usual ?? 'spawn'} is used; see docs/start-methods.md`);
  });
}
