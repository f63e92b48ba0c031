import { existsSync, readFileSync } from 'node:fs';

/**
 * Counts the tests of vitest's JSON report. What fails outside of a test (a file that does not
 * load, an error nobody caught, no report at all) counts as one failure.
 *
 * @param {string} report the file
 * @param {boolean} ok whether vitest itself was content
 * @returns {{ passed: number, failed: number, skipped: number }}
 */
export function countTests(report, ok) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const { status, assertionResults } of readResults(report)) {
    const tests = assertionResults.map((test) => test.status);
    count.passed += tests.filter((test) => test === 'passed').length;
    count.failed += tests.filter((test) => test === 'failed').length;
    count.skipped += tests.filter((test) => test !== 'passed' && test !== 'failed').length;
    if (status === 'failed' && !tests.includes('failed')) count.failed++;
  }
  const ran = count.passed + count.failed + count.skipped > 0;
  if (count.failed === 0 && !(ok && ran)) count.failed = 1;
  return count;
}

/**
 * The test files that began and did not end, by the log of files-reporter.mjs.
 *
 * @param {string} log the file
 * @returns {string[]}
 */
export function filesUnderWay(log) {
  const open = new Set();
  for (const line of existsSync(log) ? readFileSync(log, 'utf8').split('\n') : []) {
    const [what, file] = [line.slice(0, 6), line.slice(6)];
    if (what === 'began ') open.add(file);
    else open.delete(file);
  }
  return [...open];
}

/** @param {string} report */
function readResults(report) {
  try {
    return JSON.parse(readFileSync(report, 'utf8')).testResults;
  } catch {
    return [];
  }
}
