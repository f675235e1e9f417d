import type * as Inspector from 'node:inspector';
import { createRequire } from 'node:module';
import { runInThisContext } from 'node:vm';

/** What the engine knows about a function. */
export interface Origin {
  /** What its script calls itself: a file: URL, or '[eval]', 'node:path', ''. */
  readonly url: string;
  /** The scopes whose variables it captured, inner ones first: 'Closure (make)', 'Block', 'Module', 'Global'. */
  readonly scopes: readonly string[];
  /** In an ES module, its variables: all the exported ones, and some of the others. */
  readonly variables: unknown;
}

const KEY = 'forkful.function';
const EXPRESSION = `globalThis[Symbol.for('${KEY}')]`;

/** The urls of scripts by their id. */
const scripts = new Map<string, string>();

/**
 * Asks the inspector of this thread: synchronous, 0.4 ms, and more if the script is new to it (see urlOf).
 * undefined if there is no inspector, or it knows no source.
 */
export function originOf(fn: object): Origin | undefined {
  // The main context's, not that of jest or another vm, because there the inspector evaluates.
  const global = runInThisContext('globalThis') as Record<symbol, unknown>;
  const exchange: { fn: object; variables?: unknown } = { fn };
  global[Symbol.for(KEY)] = exchange;
  let session: Inspector.Session | undefined;
  try {
    // Some builds of Node lack it, and the permission model forbids it.
    const inspector = createRequire(__filename)('node:inspector') as typeof Inspector;
    session = new inspector.Session();
    session.connect();
    const id = post<Inspector.Runtime.EvaluateReturnType>(session, 'Runtime.evaluate', {
      expression: `${EXPRESSION}.fn`,
    }).result.objectId;
    const internals = propertiesOf(session, id).internalProperties;
    const location = internals?.find(({ name }) => name === '[[FunctionLocation]]')?.value?.value as
      { readonly scriptId: string } | undefined;
    if (location === undefined) return undefined;
    const scopes = propertiesOf(
      session,
      internals?.find(({ name }) => name === '[[Scopes]]')?.value?.objectId,
    )
      .result.filter(({ name }) => /^\d+$/.test(name))
      .map(({ value }) => ({ title: value?.description ?? '', id: value?.objectId }));
    const module = scopes.find(({ title }) => title === 'Module')?.id;
    if (module !== undefined) {
      const take = `function () { ${EXPRESSION}.variables = this.object; }`;
      post(session, 'Runtime.callFunctionOn', { objectId: module, functionDeclaration: take });
    }
    return {
      url: urlOf(session, location.scriptId),
      scopes: scopes.map(({ title }) => title),
      variables: exchange.variables,
    };
  } catch {
    return undefined;
  } finally {
    session?.disconnect();
    Reflect.deleteProperty(global, Symbol.for(KEY));
  }
}

function urlOf(session: Inspector.Session, scriptId: string): string {
  const note = (script: { readonly scriptId: string; readonly url: string }) =>
    scripts.set(script.scriptId, script.url);
  // The cheaper list of scripts, 2 to 25 ms, but it misses those of which nothing has run that is still there.
  // Not to be surrounded by Profiler.enable and disable, which would end the coverage that others collect.
  if (!scripts.has(scriptId)) {
    const coverage = post<{ result: { scriptId: string; url: string }[] }>(
      session,
      'Profiler.getBestEffortCoverage',
    );
    coverage.result.forEach(note);
  }
  // 15 to 100 ms the first time, because it hashes every source.
  if (!scripts.has(scriptId)) {
    session.on('Debugger.scriptParsed', ({ params }) => note(params));
    post(session, 'Debugger.enable');
  }
  return scripts.get(scriptId) ?? '';
}

function propertiesOf(
  session: Inspector.Session,
  objectId: string | undefined,
): Inspector.Runtime.GetPropertiesReturnType {
  return post(session, 'Runtime.getProperties', { objectId, ownProperties: true });
}

/** Answers come before post returns. */
function post<T>(session: Inspector.Session, method: string, params: object = {}): T {
  let failure: unknown;
  let answer: unknown;
  session.post(method, params, (error: unknown, result: unknown) => {
    failure = error;
    answer = result;
  });
  if (failure !== null) throw failure as Error;
  return answer as T;
}

/** Whether another process could load what calls itself so: not the code of eval, a vm, the REPL or stdin. */
export function isImportable(url: string): boolean {
  return /^(file|data|https?):/.test(url) && !/\/\[eval\d*\]$/.test(url);
}
