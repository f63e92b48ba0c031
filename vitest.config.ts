import { defineConfig } from 'vitest/config';

const src = (path: string): string => new URL(`./packages/${path}`, import.meta.url).pathname;

/** Tests read the sources, so that a stale build can hide nothing. */
const alias = [
  { find: /^partyline\/protocol\/(.+)$/, replacement: src('partyline/src/$1/index.ts') },
  { find: /^partyline\/(.+)$/, replacement: src('partyline/src/$1/index.ts') },
  { find: /^partyline$/, replacement: src('partyline/src/index.ts') },
  { find: /^@partyline\/protocol$/, replacement: src('protocol/src/index.ts') },
  { find: /^@partyline\/server$/, replacement: src('server/src/index.ts') },
];

/** Suites with real processes run file by file: side by side they would starve each other. */
const project = (
  name: string,
  include: string[],
  testTimeout: number,
  fileParallelism = false,
) => ({
  resolve: { alias },
  test: { name, include, testTimeout, hookTimeout: testTimeout, fileParallelism },
});

/** Browsers take both cores of a small machine: one file at a time. */
const browser = project('browser', ['test/browser/**/*.test.ts'], 180_000);
const browserProject = {
  ...browser,
  test: { ...browser.test, globalSetup: ['test/browser/build.ts'], maxWorkers: 1 },
};

export default defineConfig({
  test: {
    projects: [
      project(
        'unit',
        [
          'packages/*/src/**/*.test.ts',
          'packages/*/tools/**/*.test.ts',
          '{tools,scripts,bench}/**/*.test.{ts,mjs}',
          'examples/*/src/**/*.test.ts',
          'test/{contract,docs,scenario}/**/*.test.ts',
        ],
        20_000,
        true,
      ),
      project('interop', ['test/interop/**/*.test.ts'], 120_000),
      browserProject,
    ],
  },
});
