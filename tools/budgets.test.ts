import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkBudgets, checkFile, lineBudget } from './budgets.ts';

test('no file of the repository is over its budget or has an empty name', () => {
  const findings = checkBudgets(join(import.meta.dirname, '..'));
  expect(findings.filter(({ severity }) => severity === 'stop')).toEqual([]);
});

test.each([
  ['src/a.ts', lineBudget.question, []],
  ['src/a.ts', lineBudget.question + 1, ['question']],
  ['src/a.ts', lineBudget.stop, ['question']],
  ['src/a.ts', lineBudget.stop + 1, ['stop']],
  ['src/generated/a.ts', 10_000, []],
  ['test/vectors/a.ts', 10_000, []],
  ['package-lock.json', 10_000, []],
])('%s of %i lines: %j', (file, lines, severities) => {
  expect(checkFile(file, lines).map(({ severity }) => severity)).toEqual(severities);
});

test.each([
  'src/connection-manager.ts',
  'src/utils.ts',
  'src/string-util.test.ts',
  'src/types.ts',
  'src/lobby-data.ts',
  'src/common.mjs',
])('%s says nothing', (file) => {
  expect(checkFile(file, 10)).toMatchObject([{ severity: 'stop' }]);
});

test.each([
  'src/data-channel.ts',
  'bench/datachannel.bench.ts',
  'src/processor.ts',
  'a/common/b.ts',
])('%s is a name', (file) => {
  expect(checkFile(file, 10)).toEqual([]);
});
