import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment, isOnPath, usableCpus } from './environment.mjs';
import { Unavailable } from './comparison.mjs';
import { limitsProgram } from './native/build.mjs';

const CASE = fileURLToPath(new URL('./run-case.mjs', import.meta.url));

const groups = new Set();
process.on('exit', () => groups.forEach(endGroup));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // nobody is left in it
  }
}

/**
 * Runs a program as the leader of a process group, all of which is gone afterwards.
 * @returns { stdout, stderr, code, signal, timedOut }; never rejects unless the program cannot be started
 */
export function runProgram(file, args, { timeout = 60_000, env = {}, until } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...cleanEnvironment(), PYTHONDONTWRITEBYTECODE: '1', ...env },
    });
    child.on('error', reject);
    if (child.pid === undefined) return;
    groups.add(child.pid);
    const result = { stdout: '', stderr: '', code: null, signal: null, timedOut: false };
    const finish = () => {
      if (!groups.has(child.pid)) return; // done already, and the number may be somebody else's by now
      clearTimeout(timer);
      endGroup(child.pid);
      groups.delete(child.pid);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => {
      result.timedOut = true;
      finish();
    }, timeout);
    child.stdout.setEncoding('utf8').on('data', (text) => {
      result.stdout += text;
      if (until?.test(result.stdout)) finish();
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      result.stderr = (result.stderr + text).slice(-10_000);
    });
    child.on('close', finish);
    child.on('exit', (code, signal) => {
      Object.assign(result, { code, signal });
      setTimeout(finish, 200).unref(); // somebody below may hold the pipes for ever
    });
  });
}

/** The last line of what a program prints, as a value. */
async function answerOf(file, args, options) {
  const result = await runProgram(file, args, options);
  if (result.timedOut) throw new Error(`no answer within ${(options.timeout ?? 60_000) / 1000} s`);
  const line = result.stdout.trim().split('\n').at(-1);
  if (result.code !== 0 || line === '') {
    const words = result.stderr
      .trim()
      .split('\n')
      .filter((text) => /\berror\b|Error/i.test(text));
    throw new Error(
      `ended with ${result.signal ?? `exit code ${result.code}`}: ${words[0] ?? result.stderr.trim().split('\n').at(-1)}`,
    );
  }
  return JSON.parse(line);
}

function placed(placement) {
  if (placement === 'free') return [];
  const cpus = usableCpus();
  if (!isOnPath('taskset')) throw new Unavailable('placing processes needs taskset (util-linux)');
  if (placement !== 'same' && cpus.length < 2) throw new Unavailable('needs two CPUs');
  return cpus;
}

/** One measurement of a peer, in a fresh process. */
export function runCase(request, options = {}) {
  const cpus = placed(request.placement ?? 'free');
  const { nodeArguments = [], ...others } = options;
  return answerOf(process.execPath, [...nodeArguments, CASE, JSON.stringify({ ...request, cpus })], {
    timeout: 60_000,
    ...others,
  });
}

/** One measurement of what this machine can do at most. */
export async function runLimit(name, placement = 'free') {
  const [first = 0, second = first] = placed(placement);
  return answerOf(limitsProgram(), [name, placement, String(first), String(second)], { timeout: 20_000 });
}

/** One measurement of Python's multiprocessing; the script pins itself. */
export async function runPython(script, parameters, { placement = 'free', ...options } = {}) {
  if (!isOnPath('python3')) throw new Unavailable('python3 is not installed');
  const cpus = placed(placement);
  const path = fileURLToPath(new URL(`./peers/python/${script}.py`, import.meta.url));
  const pinned = placement === 'same' ? cpus.slice(0, 1) : cpus;
  return answerOf('python3', [path, JSON.stringify({ ...parameters, cpus: pinned })], options);
}
