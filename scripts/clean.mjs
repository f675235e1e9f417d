// Removes whatever can be built again; with --all the installed dependencies too.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const built = ['build', 'build-cmake', 'dist', 'coverage'];
for (const name of process.argv.includes('--all') ? [...built, 'node_modules'] : built) {
  rmSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), { recursive: true, force: true });
}
