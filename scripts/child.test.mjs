import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runLimited } from './child.mjs';

const node = (code, options) => runLimited(process.execPath, ['-e', code], options);

test('a program that ends in time says how', async () => {
  expect(await node('', { limitMs: 60_000 })).toEqual({ ok: true, inTime: true });
  expect(await node('process.exit(3)', { limitMs: 60_000 })).toEqual({ ok: false, inTime: true });
});

test.skipIf(process.platform === 'win32')(
  'one that loops is ended with what it started, though that loops as well',
  async () => {
    const note = join(mkdtempSync(join(tmpdir(), 'partyline-child-')), 'pid');
    const loop = 'for (;;) {}';
    const parent = `
      const { spawn } = require('node:child_process');
      const { pid } = spawn(process.execPath, ['-e', '${loop}'], { stdio: 'ignore' });
      require('node:fs').writeFileSync(process.env.NOTE, String(pid));
      ${loop}`;
    const ended = await node(parent, { limitMs: 1500, env: { NOTE: note } });
    expect(ended).toEqual({ ok: false, inTime: false });
    const pid = Number(readFileSync(note, 'utf8'));
    await expect.poll(() => isRunning(pid)).toBe(false);
  },
);

/** A zombie, whose parent has not asked for its end yet, runs no more. */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
