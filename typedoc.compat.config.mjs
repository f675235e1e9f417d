// The second half of npm run docs: the doors that stand in for other packages, into build/api/compat. Broken links are errors here
// too. Members need no docstring where they mean what they mean there, and a door exports the names that the package exports:
// types behind them, and those of forkful itself, are not among these.
import base from './typedoc.config.mjs';

export default {
  ...base,
  entryPoints: ['lib/compat/*/index.ts'],
  out: 'build/api/compat',
  name: 'forkful/compat',
  readme: 'none',
  projectDocuments: [],
  validation: { ...base.validation, notDocumented: false, notExported: false },
  intentionallyNotExported: [],
};
