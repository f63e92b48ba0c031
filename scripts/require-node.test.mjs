import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** As if Node had another version. */
function requireOn(version) {
  const file = join(import.meta.dirname, 'require-node.mjs');
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' });`;
  return spawnSync(process.execPath, ['-e', `${pretend} import(${JSON.stringify(file)})`], {
    encoding: 'utf8',
  });
}

test.each(['16.20.0', '20.18.3'])('Node %s is refused with advice', (version) => {
  const { status, stderr } = requireOn(version);
  expect(status).toBe(1);
  expect(stderr).toContain(`needs Node.js 20.19 or newer; this is ${version}`);
});

test.each(['20.19.0', '22.1.0', '24.0.0'])('Node %s is good', (version) => {
  expect(requireOn(version)).toMatchObject({ status: 0, stderr: '' });
});
