import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createNobleCrypto } from '../../packages/partyline/src/crypto/index.ts';
import { nobleSealing } from '../../packages/partyline/src/crypto/sealing/index.ts';
import { nodeCrypto, opensslCurves } from '../../packages/partyline/src/node/crypto.ts';
import { openSodium } from '../../packages/partyline/src/node/sodium.ts';
import { type Backend, describeAgreement, describeCrypto } from './crypto-suite.ts';
import { describePacketAead } from './packet-aead-suite.ts';

const noble: Backend = {
  ...createNobleCrypto({ randomBytes: (length) => Uint8Array.from(randomBytes(length)) }),
  ...nobleSealing,
};

const openssl: Backend = { ...nodeCrypto, ...opensslCurves };
const sodium = openSodium();

test('libsodium, which is optional, is installed here, so that it is judged', () => {
  expect(sodium).toBeDefined();
});

describeCrypto('noble', noble);
describeCrypto('node:crypto', openssl);
if (sodium) describeCrypto('node:crypto with libsodium', { ...nodeCrypto, ...sodium });
describeAgreement(noble, openssl);
describeAgreement(openssl, noble);
if (sodium) {
  describeAgreement(noble, { ...nodeCrypto, ...sodium });
  describeAgreement({ ...nodeCrypto, ...sodium }, noble);
}
describePacketAead('noble', noble, nodeCrypto);
describePacketAead('node:crypto', nodeCrypto, noble);
