/** Tests import the package by its own name, so that parents and children run the same dist. */
module.exports = {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testEnvironment: 'node',
  transform: {
    '^.+/(test|examples)/.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  testTimeout: 30_000,
  maxWorkers: 2,
  globalSetup: '<rootDir>/test/setup/before.js',
  globalTeardown: '<rootDir>/test/setup/after.js',
};
