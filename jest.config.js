const { addonObstacle } = require('./scripts/addon-platform.cjs');

/** What is about the addon alone. All other files hold on every platform and backend. */
const ADDON_ONLY = [
  'eventually',
  'memory',
  'queue-programs',
  'native',
  'backend-native',
  'fork',
  'fork-contract',
  'forkserver',
  'lock-faults',
  'forkserver-own',
  'forkserver-hygiene',
  'forkserver-programs',
  'forkserver-packages',
  'shared-programs',
];
const hasAddon = addonObstacle() === undefined && process.env.FORKFUL_BACKEND !== 'child_process';

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

/** Everything on the backend that this machine has. */
const everything = {
  ...common,
  displayName: 'default',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    ...(hasAddon ? [] : ADDON_ONLY.map((name) => `<rootDir>/test/${name}\\.test\\.ts$`)),
  ],
};

/** The contract once more on the backend of pure Node, where that is not the one that the machine has. */
const pureNode = {
  ...common,
  displayName: 'child_process',
  testMatch: ['<rootDir>/test/contract/**/*.test.ts'],
  setupFiles: ['<rootDir>/test/setup/child-process-backend.js'],
};

module.exports = {
  projects: hasAddon ? [everything, pureNode] : [everything],
  testTimeout: 30_000,
  maxWorkers: 2,
};
