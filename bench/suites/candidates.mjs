import { Unavailable } from '../comparison.mjs';
import { installedVersion } from '../install.mjs';
import { runCase, runLimit, runPython } from '../run.mjs';

/** Ways to measure something, as candidates of a comparison. */

export function limit(who, name, { placement = 'free', scale = 1 } = {}) {
  return { who, kind: 'limit', measure: async () => (await runLimit(name, placement)) * scale };
}

/** What Node can do at most, where a C++ program would do more. */
export function limitOfNode(who, request) {
  return { who, kind: 'limit', measure: () => runCase(request) };
}

/** Ours on the backend of pure Node. */
export const PURE_NODE = { env: { FORKFUL_BACKEND: 'child_process' } };

/** A case of a module below peers/. */
export function ours(who, request, options) {
  return { who, kind: 'ours', measure: () => runCase(request, options) };
}

/** @param options.needs the package that must be installed for it */
export function peer(who, request, { threads = false, needs, ...options } = {}) {
  const measure = async () => {
    if (needs !== undefined && installedVersion(needs) === undefined) {
      throw new Unavailable(`${needs} is not installed`);
    }
    return runCase(request, options);
  };
  return { who, kind: 'peer', threads, measure };
}

export function python(who, script, parameters, options) {
  return { who, kind: 'peer', measure: () => runPython(script, parameters, options) };
}
