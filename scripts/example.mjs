// `npm run example` lists the examples, `npm run example -- NAME` runs those whose name contains NAME, with the
// flags of Node's that their first lines show.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../examples', import.meta.url));
const examples = ['javascript', 'typescript'].flatMap((language) =>
  readdirSync(join(folder, language))
    .filter((name) => /\.(mjs|mts)$/.test(name))
    .sort()
    .map((name) => join(language, name)),
);
const wanted = process.argv[2];
if (wanted === undefined) {
  console.log(`Run one with: npm run example -- NAME\n\n${examples.map((name) => `  ${name}`).join('\n')}`);
  process.exit();
}
const chosen = examples.filter((name) => name.includes(wanted));
if (chosen.length === 0) {
  console.error(
    `No example is called like "${wanted}". There are:\n${examples.map((name) => `  ${name}`).join('\n')}`,
  );
  process.exit(1);
}
for (const name of chosen) {
  console.log(`--- examples/${name}`);
  const file = join(folder, name);
  const [, flags = ''] = /^\/\/ {3}node (.*?) ?examples\//m.exec(readFileSync(file, 'utf8'));
  const args = [...flags.split(' ').filter(Boolean), file, ...process.argv.slice(3)];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
