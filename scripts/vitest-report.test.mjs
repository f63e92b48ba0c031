import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { countTests, filesUnderWay } from './vitest-report.mjs';

const file = (status, ...tests) => ({
  status,
  assertionResults: tests.map((test) => ({ status: test })),
});

test.each([
  [
    'every kind is counted',
    true,
    [file('passed', 'passed', 'pending', 'todo', 'passed')],
    [2, 0, 2],
  ],
  [
    'files add up',
    false,
    [file('failed', 'failed', 'passed'), file('passed', 'passed')],
    [2, 1, 0],
  ],
  [
    'a file that does not load is a failure',
    false,
    [file('failed'), file('passed', 'passed')],
    [1, 1, 0],
  ],
  ['an error outside of the tests is a failure', false, [file('passed', 'passed')], [1, 1, 0]],
  ['no test at all is a failure', true, [], [0, 1, 0]],
])('%s', (_, ok, testResults, [passed, failed, skipped]) => {
  const report = join(mkdtempSync(join(tmpdir(), 'partyline-report-')), 'report.json');
  writeFileSync(report, JSON.stringify({ testResults }));
  expect(countTests(report, ok)).toEqual({ passed, failed, skipped });
});

test('no report is a failure', () => {
  expect(countTests('/nowhere/report.json', true)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test('what began and did not end is under way', () => {
  const log = join(mkdtempSync(join(tmpdir(), 'partyline-report-')), 'files');
  expect(filesUnderWay(log)).toEqual([]);
  writeFileSync(
    log,
    'began /a b.test.ts\nbegan /c.test.ts\nended /a b.test.ts\nbegan /d.test.ts\n',
  );
  expect(filesUnderWay(log)).toEqual(['/c.test.ts', '/d.test.ts']);
});
