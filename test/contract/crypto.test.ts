import { randomBytes } from 'node:crypto';
import { createNobleCrypto } from '../../packages/partyline/src/crypto/index.ts';
import { nobleSealing } from '../../packages/partyline/src/crypto/sealing/index.ts';
import { nodeCrypto } from '../../packages/partyline/src/node/crypto.ts';
import { type Backend, describeAgreement, describeCrypto } from './crypto-suite.ts';
import { describePacketAead } from './packet-aead-suite.ts';

const noble: Backend = {
  ...createNobleCrypto({ randomBytes: (length) => Uint8Array.from(randomBytes(length)) }),
  ...nobleSealing,
};

describeCrypto('noble', noble);
describeCrypto('node:crypto', nodeCrypto);
describeAgreement(noble, nodeCrypto);
describeAgreement(nodeCrypto, noble);
describePacketAead('noble', noble, nodeCrypto);
describePacketAead('node:crypto', nodeCrypto, noble);
