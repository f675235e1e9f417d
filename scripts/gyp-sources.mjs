// Prints the sources of one target of binding.gyp, separated by semicolons: CMakeLists.txt keeps no list of its own.
import { readFileSync } from 'node:fs';

const wanted = process.argv[2];
const text = readFileSync(new URL('../binding.gyp', import.meta.url), 'utf8');
// A gyp file is JSON that may also have whole-line comments and trailing commas.
const gyp = JSON.parse(text.replace(/^\s*#.*$/gm, '').replace(/,(?=\s*[\]}])/g, ''));
const target = gyp.targets.find((each) => each.target_name === wanted);
if (target === undefined) {
  const names = gyp.targets.map((each) => each.target_name).join(', ');
  console.error(`gyp-sources: binding.gyp has no target "${wanted}"; it has ${names}`);
  process.exit(1);
}
const expand = (source) => {
  const variable = /^<@\((\w+)\)$/.exec(source)?.[1];
  return variable === undefined ? [source] : gyp.variables[variable].flatMap(expand);
};
process.stdout.write(target.sources.flatMap(expand).join(';'));
