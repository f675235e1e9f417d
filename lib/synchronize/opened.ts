import { backend } from '../backend';
import type { Share } from '../backend/backend';
import type { Semaphore as Units, SemaphoreOptions, UnitsName } from '../backend/synchronize';
import { InvalidArgumentError } from '../errors';
import { flag, record } from '../options';
import { sharedName } from '../shared-name';

/** A single unit, that is there or not. */
export const MUTEX: SemaphoreOptions = { initial: 1, max: 1 };

/** Whether other programs find the lock. */
export interface LockOptions {
  /**
   * For unrelated programs of this user: they all have the same one of this name. It goes with its last user. Native
   * backend only.
   */
  readonly name?: string | undefined;
  /** Whether one of that name must not be there yet. @default false */
  readonly exclusive?: boolean;
}

/** Units that are there already; given to a constructor in place of options. */
export class OpenedUnits {
  constructor(
    readonly units: Units,
    readonly name: string | undefined,
  ) {}

  /** Those of another process. */
  static open(
    share: Share,
    what: UnitsName['what'],
    { name }: Readonly<Record<string, unknown>>,
  ): OpenedUnits {
    const naming = name === undefined ? undefined : { what, name: sharedName('name', name) };
    return new OpenedUnits(backend.openSemaphore(share, naming), naming?.name);
  }

  /**
   * New ones; of a name perhaps another program's.
   * @param isExact whether they must be like this then, too, in value; Semaphore and BoundedSemaphore differ anyway
   */
  static create(
    className: string,
    what: UnitsName['what'],
    given: LockOptions | undefined,
    options: SemaphoreOptions,
    isExact = true,
  ): OpenedUnits {
    const named = record(`${className} options`, given, ['name', 'exclusive']);
    const exclusive =
      named.exclusive !== undefined && flag(`${className} option "exclusive"`, named.exclusive);
    if (named.name === undefined) return new OpenedUnits(backend.createSemaphore(options), undefined);
    const name = sharedName(`${className} option "name"`, named.name);
    const { semaphore, bounds } = backend.nameSemaphore({ what, name }, exclusive, options);
    const isAlike = (options.max === Infinity) === (bounds.max === Infinity);
    if (isAlike && (!isExact || options.initial === bounds.initial)) return new OpenedUnits(semaphore, name);
    semaphore.close();
    throw new InvalidArgumentError(
      `expected the ${describe(options)} of the name ${JSON.stringify(name)}, but there is a ${describe(bounds)}; use ` +
        'the same class and value in all programs, or another name',
    );
  }
}

function describe({ initial, max }: SemaphoreOptions): string {
  return `${max === Infinity ? 'Semaphore' : 'BoundedSemaphore'} of ${initial}`;
}
