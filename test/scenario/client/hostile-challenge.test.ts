import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fromBase64Url, toBase64Url } from '../../../packages/partyline/src/base/index.ts';
import type { Params } from '../../../packages/partyline/src/client/generated/protocol.ts';
import { nodeCrypto } from '../../../packages/partyline/src/node/crypto.ts';
import { FakeServer, pageStores, Refusal } from './fake-server.ts';

/**
 * A server that is in truth a GNS client wants its handshake signed: GNS signs the bytes of a
 * `SessionCryptInfo` as they are, so a login that signed its challenge as it is would do.
 */
const cryptInfo = gnsCryptInfo();

test('a GNS handshake as login challenge is refused before anything is signed', async () => {
  const server = new FakeServer();
  server.greeting = () => ({ nonce: toBase64Url(cryptInfo) });
  await expect(server.connect()).rejects.toMatchObject({ code: 'SERVER_MESSAGE_INVALID' });
  expect(server.requests).toEqual([]);
});

test('and as the second challenge, after a stored way back was refused', async () => {
  const server = new FakeServer();
  const stores = pageStores();
  await server.connect(stores);
  server.scripts['session.resume'] = () => new Refusal('SESSION_EXPIRED');
  server.scripts['session.challenge'] = () => ({ nonce: toBase64Url(cryptInfo) });
  await expect(server.connect(stores)).rejects.toMatchObject({ code: 'SERVER_MESSAGE_INVALID' });
  expect(server.requests.slice(1)).toEqual(['session.resume', 'session.challenge']);
});

test('cut to the length of a challenge it is signed, but as no handshake: no signature verifies over it', async () => {
  const server = new FakeServer();
  const logins: Params['session.loginGuest'][] = [];
  const nonce = cryptInfo.slice(0, 32);
  server.greeting = () => ({ nonce: toBase64Url(nonce) });
  server.scripts['session.loginGuest'] = (params: Params['session.loginGuest']) => {
    logins.push(params);
    return {};
  };
  await expect(server.connect()).rejects.toThrow();
  expect(logins).toHaveLength(1);
  for (const { publicKey, signature, sessionKey, sessionSignature } of logins) {
    for (const [key, signed] of [
      [publicKey, signature],
      [sessionKey, sessionSignature],
    ]) {
      for (const handshake of [nonce, cryptInfo]) {
        expect(nodeCrypto.ed25519Verify(bytes(key), handshake, bytes(signed))).toBe(false);
      }
    }
  }
});

function bytes(text = ''): Uint8Array {
  return fromBase64Url(text) ?? new Uint8Array();
}

/** The `info` that a GNS handshake's signature covers, from a recorded connection. */
function gnsCryptInfo(): Uint8Array {
  const vectors = new URL('../../../packages/partyline/test/vectors/', import.meta.url);
  const { us } = JSON.parse(readFileSync(new URL('gns-udp-connection.json', vectors), 'utf8'));
  return Uint8Array.from(Buffer.from(us.info, 'hex'));
}
