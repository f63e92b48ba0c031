import './require-node.mjs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ensureBuilt } from './build.mjs';
import { Explained, npm, root, runLimited, runMain, timed } from './child.mjs';
import { ensureInstalled } from './install.mjs';
import { countTests, filesUnderWay } from './vitest-report.mjs';

/** A suite that hangs is ended after so many minutes: some times what it takes on two cores. */
const suiteLimits = { unit: 10, interop: 20, webrtc: 6, browser: 10 };

/**
 * A suite that hung is run so many times more, visibly: node-datachannel's threads may lock each
 * other and the event loop out for good (docs/adr/0027). A test that fails is no hang.
 */
const rerunsOfHung = { unit: 0, interop: 0, webrtc: 1, browser: 0 };

/** In this order; each says how many tests it counts for. A failing one stops none of the others. */
const parts = {
  build: runBuild,
  typecheck: runScript,
  lint: runScript,
  'check:package': runScript,
  unit: runSuite,
  interop: runSuite,
  webrtc: runSuite,
  browser: runSuite,
};

await runMain(async () => {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !(name in parts));
  if (unknown.length > 0) {
    throw new Explained(
      `No part ${unknown.join(', ')}; there are: ${Object.keys(parts).join(' ')}`,
    );
  }
  await ensureInstalled();

  const total = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  const times = [];
  for (const [name, runPart] of Object.entries(parts)) {
    // Built always: interop and browser tests drive what is built.
    if (asked.length > 0 && !asked.includes(name) && name !== 'build') continue;
    const startMs = performance.now();
    const count = await runPart(name);
    times.push(`${name} ${Math.round((performance.now() - startMs) / 1000)} s`);
    for (const kind of Object.keys(total)) total[kind] += count[kind];
    if (count.failed > 0) failures.push(`${name} (${count.failed})`);
  }
  if (failures.length > 0) {
    process.stdout.write(`\nFailed: ${failures.join(', ')}\n`);
    process.exitCode = 1;
  }
  process.stdout.write(`\n${times.join(' · ')}\n`);
  const { passed, failed, skipped } = total;
  process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
});

async function runBuild() {
  try {
    await ensureBuilt();
    return countOne(true);
  } catch (error) {
    process.stdout.write(`${error.message}\n`);
    return countOne(false);
  }
}

/** @param {string} name of an npm script; its output matters only when it fails */
async function runScript(name) {
  const { ok, output } = await timed(name, () => npm(['run', '--silent', name]));
  if (!ok) process.stdout.write(`${output}\n${name} failed\n`);
  return countOne(ok);
}

/** @param {boolean} ok */
function countOne(ok) {
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

/**
 * @param {string} name of a vitest project
 * @param {number} [rerunsLeft]
 */
async function runSuite(name, rerunsLeft = rerunsOfHung[name]) {
  process.stdout.write(`\n${name}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'partyline-test-'));
  const report = join(folder, 'report.json');
  const log = join(folder, 'files');
  try {
    const { ok, inTime } = await runLimited(
      process.execPath,
      [
        'node_modules/vitest/vitest.mjs',
        'run',
        `--project=${name}`,
        '--reporter=default',
        '--reporter=json',
        '--reporter=./scripts/files-reporter.mjs',
        `--outputFile.json=${report}`,
      ],
      { limitMs: suiteLimits[name] * 60_000, env: { PARTYLINE_TEST_FILES: log } },
    );
    if (!inTime) {
      const hung = filesUnderWay(log).map((file) => `  ${relative(root, file)}\n`);
      process.stdout.write(
        `\n${name} was ended after ${suiteLimits[name]} minutes; under way were:\n${hung.join('')}`,
      );
      if (rerunsLeft > 0) return await runSuite(name, rerunsLeft - 1);
    }
    return countTests(report, ok);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
