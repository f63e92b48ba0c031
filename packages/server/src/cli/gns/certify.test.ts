import { chmodSync, mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCrypto } from 'partyline/node';
import { decodeCert, verifyCert } from 'partyline/protocol/cert';
import { describe, expect, test } from 'vitest';
import { readCaKey, readCertificate } from './certificate.ts';
import { gns } from './gns.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'partyline-cert-'));

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const code = await gns(['cert', ...args], {
    env: {},
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    interrupted: () => new Promise(() => {}),
  });
  return { code, ...said };
}

describe('partyline gns cert', () => {
  test('makes a certificate for --cert and prints the CA for --ca', async () => {
    const dir = folder();
    const [caKey, out] = [join(dir, 'ca.key'), join(dir, 'bob.cert')];
    const made = await run('bob', '--ca-key', caKey, '--out', out, '--days', '2', '--app-id', '7');
    expect(made.code).toBe(0);
    expect(made.out).toMatch(/^ssh-ed25519 [A-Za-z0-9+/=]+$/);
    const bob = readCertificate(out);
    const nowSec = Math.floor(Date.now() / 1000);
    const trust = { caPublicKey: readCaKey(made.out), nowSec };
    const cert = verifyCert(nodeCrypto, bob.cert, { ...trust, identity: 'str:bob' });
    expect(cert.publicKey).toEqual(nodeCrypto.ed25519PublicKey(bob.seed));
    expect(cert.timeExpirySec - nowSec).toBeGreaterThan(2 * 86_400 - 60);
    expect(decodeCert(bob.cert).cert.appIds).toEqual([7]);
  });

  test('both files are for this user alone; the CA key is made once and then used', async () => {
    const dir = folder();
    const caKey = join(dir, 'ca.key');
    const first = await run('a', '--ca-key', caKey, '--out', join(dir, 'a.cert'));
    const second = await run('b', '--ca-key', caKey, '--out', join(dir, 'b.cert'));
    expect(second.out).toBe(first.out);
    for (const file of ['ca.key', 'a.cert', 'b.cert'])
      expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600);
  });

  test('it overwrites nothing, and a CA key that others may read is refused', async () => {
    const dir = folder();
    const args = ['bob', '--ca-key', join(dir, 'ca.key'), '--out', join(dir, 'bob.cert')];
    expect((await run(...args)).code).toBe(0);
    expect(await run(...args)).toMatchObject({
      code: 2,
      err: expect.stringContaining('it is there already'),
    });
    chmodSync(join(dir, 'ca.key'), 0o644);
    await expect(run(...args)).rejects.toThrow('chmod 600');
  });

  test.each([
    [[]],
    [['bob']],
    [['bob', '--ca-key', '/tmp/x']],
    [['x'.repeat(40), '--ca-key', '/tmp/x', '--out', '/tmp/y']],
    [['bob', '--ca-key', '/tmp/x', '--out', '/tmp/y', '--days', '0']],
    [['bob', '--ca-key', '/tmp/x', '--out', '/tmp/y', '--fly']],
  ])('%j ends with 2 and makes nothing', async (args) => {
    expect((await run(...args)).code).toBe(2);
  });
});
