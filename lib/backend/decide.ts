import { UnsupportedError } from '../errors';
import type { BackendName } from './backend';

/** The variable that asks for a backend. */
const VARIABLE = 'FORKFUL_BACKEND';
const NAMES: readonly string[] = ['native', 'child_process'];
const ARCHITECTURES: readonly string[] = ['x64', 'arm64'];
/** An addon that needs a later version of Node-API than there is does not fail to load, but crashes. */
const NODE_API = 9;

/** All that the choice of the backend depends on. */
export interface Facts {
  readonly platform: string;
  readonly arch: string;
  /** The version of Node-API. */
  readonly napi: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the program of a child has fixed: the backend of its parent. */
  readonly fixed: BackendName | undefined;
  /** What the thread that started this one has decided. */
  readonly inherited: Decision | undefined;
  /** Loads the addon, or throws why not; '' or what the system refuses of what the addon needs. */
  readonly loadAddon: () => string;
  /** The files that this process has mapped (/proc/self/maps); asked for only when the addon cannot be loaded. */
  readonly maps: () => string;
}

export interface Decision {
  readonly name: BackendName;
  /** Why; part of a sentence. */
  readonly reason: string;
  /** What the user is to be told, once. */
  readonly warning: string | undefined;
  /** How to get the addon, where it should work and does not. undefined: nothing is wrong. */
  readonly remedy: string | undefined;
}

/** Why the addon cannot be used. `wanted`: somebody has decided so. */
interface Obstacle {
  readonly text: string;
  readonly wanted: boolean;
  readonly remedy: string | undefined;
}

/**
 * Which backend a process uses: the addon if it can be used here.
 * @throws UnsupportedError if the addon is indispensable, and cannot be used
 */
export function decide(facts: Facts): Decision {
  const { fixed, inherited } = facts;
  if (fixed === 'child_process') {
    return {
      name: fixed,
      reason: 'the process that started this one uses it',
      warning: undefined,
      remedy: undefined,
    };
  }
  if (fixed === undefined && inherited?.name === 'child_process') return inherited;
  const asked = fixed === undefined && inherited === undefined ? facts.env[VARIABLE] : undefined;
  if (asked === 'child_process') {
    return {
      name: asked,
      reason: `${VARIABLE}=child_process asks for it`,
      warning: undefined,
      remedy: undefined,
    };
  }
  const mistake =
    asked === undefined || asked === '' || NAMES.includes(asked)
      ? []
      : [`${VARIABLE} must be 'native' or 'child_process', got ${JSON.stringify(asked)}, which is ignored`];

  const obstacle = findObstacle(facts);
  if (obstacle === undefined) {
    return { name: 'native', reason: 'the addon is loaded', warning: mistake[0], remedy: undefined };
  }
  const { text, wanted, remedy } = obstacle;
  if (fixed === 'native') {
    throw new UnsupportedError(
      `expected the native backend, which the process that started this one uses, but ${text}; start children with ` +
        'an environment and execArgv that allow it',
    );
  }
  if (asked === 'native') {
    throw new UnsupportedError(
      `expected the native backend, because ${VARIABLE}=native asks for it, but ${text}; remove the cause, or the variable`,
    );
  }
  const loss =
    `forkful uses its child_process backend, which is slower, because ${text} ` +
    `(${VARIABLE}=child_process chooses it without this warning)`;
  const told = wanted ? mistake : [...mistake, loss];
  return {
    name: 'child_process',
    reason: text,
    warning: told.length === 0 ? undefined : told.join('; '),
    remedy,
  };
}

function findObstacle({ platform, arch, napi, loadAddon, maps }: Facts): Obstacle | undefined {
  const because = (text: string, remedy?: string): Obstacle => ({ text, wanted: false, remedy });
  if (platform !== 'linux') return because(`the addon is for Linux, and this is ${platform}`);
  if (!ARCHITECTURES.includes(arch)) {
    return because(`the addon is for ${ARCHITECTURES.join(' and ')}, and this CPU is ${arch}`);
  }
  if (!(Number(napi) >= NODE_API)) {
    return because(
      `the addon needs Node-API ${NODE_API} (Node.js 20.3), and this has ${napi ?? 'none'}`,
      'use a later Node.js',
    );
  }
  try {
    const refused = loadAddon();
    if (refused === '') return undefined;
    return because(
      `this system refuses what the addon needs: ${refused}`,
      'allow it in the sandbox or its seccomp profile; raise the limits of addresses and descriptors (ulimit -v, ulimit -n)',
    );
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_DLOPEN_DISABLED') {
      const text = 'this process may not load addons (--no-addons, or --permission)';
      return { text, wanted: true, remedy: undefined };
    }
    const [firstLine = ''] = message.trim().split('\n');
    // Before, it would cost everybody time: prebuilds are marked with their C library and only the right one is tried.
    const text = `the addon could not be loaded: ${firstLine}`;
    if (maps().includes('/ld-musl-')) return because(`${text}; it is for glibc, and this Node uses musl`);
    return because(
      text,
      'install the package again, with its prebuilds; in a checkout run npm run build:native; needed is glibc 2.34 or later',
    );
  }
}
