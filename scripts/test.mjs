import './require-node.mjs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from './build.mjs';
import { Explained, npm, run, runMain, timed } from './child.mjs';
import { ensureInstalled } from './install.mjs';
import { countTests } from './vitest-report.mjs';

/** Checks count as one test each; suites as many as vitest reports. All run, whatever fails. */
const checks = ['typecheck', 'lint', 'check:package'];
const suites = ['unit', 'interop', 'browser'];
/** A suite that hangs is ended after this. */
const SUITE_LIMIT_MS = 30 * 60_000;

await runMain(async () => {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => ![...checks, ...suites].includes(name));
  if (unknown.length > 0) {
    throw new Explained(`no such part: ${unknown}. There are: ${[...checks, ...suites].join(' ')}`);
  }
  const isAsked = (name) => asked.length === 0 || asked.includes(name);
  await ensureInstalled();
  await ensureBuilt();

  const failures = [];
  const total = { passed: 0, failed: 0, skipped: 0 };
  const parts = [
    ...checks.filter(isAsked).map((name) => [name, runCheck]),
    ...suites.filter(isAsked).map((name) => [name, runSuite]),
  ];
  for (const [name, runPart] of parts) {
    const count = await runPart(name);
    for (const kind of Object.keys(total)) total[kind] += count[kind];
    if (count.failed > 0) failures.push(`${name} (${count.failed})`);
  }
  if (failures.length > 0) {
    process.stdout.write(`\nFailed: ${failures.join(', ')}\n`);
    process.exitCode = 1;
  }
  process.stdout.write(
    `\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`,
  );
});

/** @param {string} name an npm script */
async function runCheck(name) {
  const { ok, output } = await timed(name, () => npm(['run', '--silent', name]));
  if (!ok) process.stdout.write(`${output}\n`);
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

/** @param {string} name a vitest project */
async function runSuite(name) {
  process.stdout.write(`\n${name}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'partyline-test-'));
  const report = join(folder, 'report.json');
  try {
    const { ok } = await run(
      process.execPath,
      [
        'node_modules/vitest/vitest.mjs',
        'run',
        `--project=${name}`,
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${report}`,
      ],
      { show: true, limitMs: SUITE_LIMIT_MS },
    );
    return countTests(report, ok);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
