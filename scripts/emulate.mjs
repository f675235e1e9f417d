// npm run test:arm64 [-- --node 20]: loads the arm64 prebuild into a Node for arm64, under qemu-user, and uses all of it but what
// needs robust futexes. Needs qemu-aarch64 and arm64 libraries (Debian: qemu-user, g++-aarch64-linux-gnu).
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nodeOf } from './nodes.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const LIBRARIES = '/usr/aarch64-linux-gnu';
const EMULATOR = 'qemu-aarch64';
const PROGRAM = 'test/emulated/program.cjs';

const { values } = parseArgs({ options: { node: { type: 'string', default: '20' } } });

function fail(text) {
  console.error(`emulate: ${text}`);
  process.exit(2);
}

if (!existsSync(join(root, 'prebuilds/linux-arm64')))
  fail('expected prebuilds/linux-arm64, found none; run: npm run prebuilds');
if (spawnSync(EMULATOR, ['--version']).status !== 0 || !existsSync(LIBRARIES)) {
  fail(`expected ${EMULATOR} and ${LIBRARIES}; Debian: apt-get install qemu-user g++-aarch64-linux-gnu`);
}

const node = nodeOf(values.node, { arch: 'arm64' });

// Without a build of this checkout, which the loader would take first.
const folder = mkdtempSync(join(tmpdir(), 'forkful-emulated-'));
try {
  for (const part of ['dist', 'prebuilds', 'package.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const wrapper = join(folder, 'node');
  writeFileSync(wrapper, `#!/bin/sh\nexec ${EMULATOR} -L ${LIBRARIES} '${node}' "$@"\n`, { mode: 0o755 });
  const args = ['-L', LIBRARIES, node, '--single-threaded', join(root, PROGRAM), folder, wrapper];
  const { status, signal } = spawnSync(EMULATOR, args, { stdio: 'inherit', timeout: 300_000 });
  if (status !== 0) console.error(`emulate: ended with ${signal ?? `exit code ${status}`}`);
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
