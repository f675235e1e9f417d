// Removes whatever can be built again; with --all the installed dependencies too.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const built = ['build', 'build-cmake', 'build-fuzz', 'dist', 'coverage', 'bench/build'];
const installed = ['node_modules', 'bench/node_modules'];
for (const name of process.argv.includes('--all') ? [...built, ...installed] : built) {
  rmSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), { recursive: true, force: true });
}
