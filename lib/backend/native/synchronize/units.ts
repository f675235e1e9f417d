import type { Share } from '../../backend';
import type { NamedSemaphore, SemaphoreOptions, UnitsName } from '../../synchronize';
import { addon } from '../addon';
import { failureOf, fileOf, openOrCreate } from '../names';
import { NativeMutex } from './mutex';
import type { RequestedUnits } from './requests';
import { NativeSemaphore } from './semaphore';
import { SharedState } from './state';

const isMutex = ({ initial, max }: SemaphoreOptions) => initial === 1 && max === 1;

export function createUnits(options: SemaphoreOptions): RequestedUnits {
  return isMutex(options) ? new NativeMutex() : new NativeSemaphore(undefined, options);
}

export function openUnits({ kind, descriptors }: Share, naming?: UnitsName): RequestedUnits {
  const source = { descriptors, file: naming && fileOf(naming) };
  return kind === 'mutex' ? new NativeMutex(source) : new NativeSemaphore(source);
}

export function nameUnits(naming: UnitsName, exclusive: boolean, options: SemaphoreOptions): NamedSemaphore {
  // Zeros are a lock that nobody has, and a semaphore that whoever comes first makes what it is.
  const { layout } = naming.what === 'lock' ? NativeMutex : NativeSemaphore;
  const descriptor = openOrCreate(naming, exclusive, (file) =>
    addon.createNamedBlock(SharedState.bytes(layout), layout.kind, file),
  );
  try {
    const source = { descriptors: [descriptor], file: fileOf(naming) };
    const semaphore = naming.what === 'lock' ? new NativeMutex(source) : new NativeSemaphore(source, options);
    return { semaphore, bounds: semaphore.bounds() };
  } catch (error) {
    throw failureOf(error, naming);
  }
}
