import { defineConfig } from 'vitest/config';

const src = (path: string): string => new URL(`./packages/${path}`, import.meta.url).pathname;

/** Tests read the sources, so that a stale build can hide nothing. */
const alias = [
  {
    find: /^partyline\/protocol\/turn-server$/,
    replacement: src('partyline/src/turn/server/index.ts'),
  },
  { find: /^partyline\/protocol\/(.+)$/, replacement: src('partyline/src/$1/index.ts') },
  { find: /^partyline\/(.+)$/, replacement: src('partyline/src/$1/index.ts') },
  { find: /^partyline$/, replacement: src('partyline/src/index.ts') },
  { find: /^@partyline\/protocol$/, replacement: src('protocol/src/index.ts') },
  { find: /^@partyline\/server$/, replacement: src('server/src/index.ts') },
];

const project = (name: string, include: string[], testTimeout: number) => ({
  resolve: { alias },
  test: { name, include, testTimeout, hookTimeout: testTimeout },
});

/** Tests with node-datachannel in their own process, which it may freeze: docs/adr/0027. */
const webrtcFiles = 'test/interop/{webrtc-*,multiplayer-peer-webrtc,lobby-*}.test.ts';

/**
 * Drives what is built, in real processes: file by file, since side by side they starve each other.
 * Foreign programs have time-outs of their own, which a machine that stalls trips: such a test may
 * try once more, and its line says «retry x1».
 */
const processProject = (
  name: string,
  include: string[],
  testTimeout: number,
  exclude: string[] = [],
) => {
  const { test, ...rest } = project(name, include, testTimeout);
  return {
    ...rest,
    test: { ...test, exclude, retry: 1, fileParallelism: false, globalSetup: ['test/build.ts'] },
  };
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
      ),
      processProject('interop', ['test/interop/**/*.test.ts'], 120_000, [webrtcFiles]),
      processProject('webrtc', [webrtcFiles], 120_000),
      processProject('browser', ['test/browser/**/*.test.ts'], 180_000),
    ],
  },
});
