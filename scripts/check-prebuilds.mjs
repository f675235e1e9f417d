// npm runs it before it publishes: a package without its addons would leave Linux with the slower backend, and nobody would see it.
// [--root DIR] is another checkout.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { missingPrebuilds, sayMissing } from './prebuilds.mjs';

const here = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({ options: { root: { type: 'string', default: here } } });
const missing = missingPrebuilds(values.root);
if (missing.length > 0) {
  console.error(`publish: ${sayMissing(missing)}`);
  process.exitCode = 1;
}
