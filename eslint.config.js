import tseslint from 'typescript-eslint';

const pureFolders = [
  'src/sip/**/*.ts',
  'src/call/**/*.ts',
  'src/rtp/**/*.ts',
  'src/bot/**/*.ts',
  'src/policy/rules/**/*.ts',
];
const why = 'time and randomness are inputs here (Clock, Random)';

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', '**/*.cjs', '**/*.js'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: pureFolders,
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval', 'setImmediate', 'Date', 'performance', 'process'].map((name) => ({
          name,
          message: why,
        })),
      ],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: why }],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', package: '@types/mocha', name: ['it', 'describe'] }] },
      ],
      '@typescript-eslint/require-await': 'off',
    },
  },
);
