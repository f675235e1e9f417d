// npm run docs: the reference of the public API, from the docstrings of lib/, into build/api. Whatever is amiss is an error.
export default {
  entryPoints: ['lib/index.ts', 'lib/shm/index.ts'],
  out: 'build/api',
  name: 'forkful',
  readme: 'README.md',
  projectDocuments: ['docs/*.md'],
  excludePrivate: true,
  disableSources: true, // links to sources need a remote, which not every checkout has
  excludeInternal: true,
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
  // Whether relative links lead anywhere is a test's business (test/documentation.test.ts): here those to folders count as wrong.
  validation: { notExported: true, invalidLink: true, invalidPath: false, notDocumented: true },
  // What TypeScript infers with, and bases that only say which methods there are: nobody writes their names.
  intentionallyNotExported: [
    ...['ADVICE', 'AnyFunction', 'ArgsOf', 'Class', 'Given', 'Input', 'ItemOf', 'Outcome', 'ResultOf'],
    ...['Settled', 'WorkerOverrides', 'YieldOf'],
    ...['ExclusiveLock', 'Transferable'],
  ],
};
