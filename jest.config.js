/** Tests import the package by its own name, so that parents and children run the same dist. */
const common = {
  rootDir: __dirname,
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
  globalSetup: '<rootDir>/test/setup/before.js',
  globalTeardown: '<rootDir>/test/setup/after.js',
};

/** These are about the addon, or need what only Linux has. */
const NATIVE_ONLY = ['backend-native', 'forkserver', 'model', 'native', 'shared-programs'];
const hasAddon = process.platform === 'linux' && process.env['FORKFUL_WITHOUT_ADDON'] === undefined;

/** Everything on the backend that this machine has; the contract once more on the one of pure Node. */
module.exports = {
  projects: [
    {
      ...common,
      displayName: 'default',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: hasAddon ? [] : NATIVE_ONLY.map((name) => `/test/${name}\\.test\\.ts$`),
    },
    {
      ...common,
      displayName: 'child_process',
      testMatch: ['<rootDir>/test/contract/**/*.test.ts'],
      setupFiles: ['<rootDir>/test/setup/child-process-backend.js'],
    },
  ],
  testTimeout: 30_000,
  maxWorkers: 2,
};
