import { addon } from './addon';
import { RING_BYTES } from './layout';

/** Two ends of a pipe, each with two rings, which are mapped twice. */
const ADDRESS_SPACE = 8 * RING_BYTES;

/** '' or what this system refuses of what the addon needs. */
export function refusal(): string {
  return addon.probe(ADDRESS_SPACE);
}
