import tseslint from 'typescript-eslint';

const noOwnImports = (message, ...patterns) => ({
  'no-restricted-imports': ['error', { patterns: [{ group: patterns, message }] }],
});

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'build/',
      'build-cmake/',
      'node_modules/',
      'bench/node_modules/',
      'bench/build/',
      'coverage/',
    ],
  },
  ...tseslint.configs.recommended,
  {
    files: ['lib/**/*.{ts,mts}'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unnecessary-type-parameters': 'off', // the user's types flow through
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      '@typescript-eslint/only-throw-error': 'off', // a task may throw anything, and it arrives as it is
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-empty-function': ['error', { allow: ['arrowFunctions'] }],
      eqeqeq: 'error',
    },
  },
  {
    // The types of an adapter are those of the original.
    files: ['lib/compat/**/*.{ts,mts}'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-function-type': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-implied-eval': 'off',
    },
  },
  {
    // A promise that nobody awaits makes a test pass that should fail.
    files: ['test/**/*.ts', 'examples/**/*.mts'],
    languageOptions: {
      parserOptions: { project: './tsconfig.check.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
    },
  },
  // Imports point one way.
  {
    files: ['lib/errors.ts', 'lib/dispose.ts'],
    rules: noOwnImports('a leaf: imports nothing of ours', './*', '../*'),
  },
  {
    files: ['lib/serializer/**', 'lib/function-ref/**', 'lib/options.ts'],
    rules: noOwnImports(
      'shared vocabulary: knows neither backend nor primitives',
      '**/backend',
      '**/backend/**',
      '../process',
      '../queue/**',
      '../pipe/**',
      '../pool/**',
      '../shared/**',
    ),
  },
  {
    files: ['lib/backend/**'],
    rules: noOwnImports(
      'a backend knows no primitive',
      '**/process',
      '**/queue/**',
      '**/pipe/**',
      '**/pool/**',
      '**/shared/**',
      '**/context',
    ),
  },
  {
    files: ['**/*.{js,cjs}'],
    languageOptions: { sourceType: 'commonjs' },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
);
