import { toUSVString } from 'node:util';
import { invalid, text } from './options';

/** With the suffixes that the library adds still the name of a file. */
const MOST_BYTES = 200;

/** The name of something that other programs of the same user are to find. */
export function sharedName(option: string, value: unknown): string {
  const name = text(option, value);
  if (
    name === '' ||
    /[/\0]/.test(name) ||
    Buffer.byteLength(name) > MOST_BYTES ||
    toUSVString(name) !== name
  ) {
    throw invalid(option, `1 to ${MOST_BYTES} bytes of text without "/" and NUL`, value);
  }
  return name;
}
