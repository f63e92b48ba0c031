import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fromBase64Url } from '../base/index.ts';
import { decodeCert } from '../cert/index.ts';
import { createNobleCrypto } from '../crypto/index.ts';
import { nobleSealing } from '../crypto/sealing/index.ts';
import { FrameKind, FrameReader } from '../snp/index.ts';
import { seededBytes } from '../testing/index.ts';
import {
  Cipher,
  DataHeader,
  decodeChallengeReply,
  decodeChallengeRequest,
  decodeConnectionClosed,
  decodeConnectOk,
  decodeConnectRequest,
  decodeCryptInfo,
  decodeNoConnection,
  decodeSignedCryptInfo,
  decodeStats,
  deriveSessionKeys,
  encodeChallengeReply,
  encodeChallengeRequest,
  encodeConnectionClosed,
  encodeConnectRequest,
  encodeCryptInfo,
  encodeNoConnection,
  encodeSignedCryptInfo,
  PacketCipher,
  PacketNumbers,
  StatsFlag,
} from './index.ts';

const crypto = {
  ...createNobleCrypto({ randomBytes: seededBytes(1) }),
  ...nobleSealing,
};
interface Datagram {
  readonly t: number;
  readonly from: 'us' | 'native';
  readonly hex: string;
  readonly packetNumber?: string;
  readonly plaintext?: string;
}

interface Vector {
  readonly us: Record<'ed25519Private' | 'x25519Private' | 'nonce' | 'cert' | 'info', string> & {
    readonly connectionId: number;
  };
  readonly native: { readonly connectionId: number };
  readonly derived: Record<
    'keyClientToServer' | 'keyServerToClient' | 'ivClientToServer' | 'ivServerToClient',
    string
  >;
  readonly datagrams: readonly Datagram[];
}

/** Recorded between a minimal client and the native library, protocol version 13. */
const vector: Vector = JSON.parse(
  readFileSync(new URL('../../test/vectors/gns-udp-connection.json', import.meta.url), 'utf8'),
);
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const datagram = (index: number): Uint8Array => hex(vector.datagrams[index]?.hex ?? '');
const data = vector.datagrams.filter((d) => d.packetNumber !== undefined);
const request = decodeConnectRequest(datagram(2));
const ok = decodeConnectOk(datagram(3));
const clientInfo = decodeSignedCryptInfo(request.crypt);
const serverInfo = decodeSignedCryptInfo(ok.crypt);
const clientCert = decodeCert(request.cert);
const serverCert = decodeCert(ok.cert);

describe('the recorded handshake', () => {
  test('every packet decodes, and encodes again to the same bytes', () => {
    const challenge = decodeChallengeRequest(datagram(0));
    expect(challenge).toMatchObject({ connectionId: vector.us.connectionId, protocolVersion: 13 });
    expect(encodeChallengeRequest(challenge)).toEqual(datagram(0));
    const reply = decodeChallengeReply(datagram(1));
    expect(reply).toMatchObject({ yourTimestamp: challenge.timestamp, protocolVersion: 13 });
    expect(encodeChallengeReply(reply)).toEqual(datagram(1));
    expect(request.challenge).toBe(reply.challenge);
    expect(encodeConnectRequest(request)).toEqual(datagram(2));
    expect(ok).toMatchObject({
      clientConnectionId: vector.us.connectionId,
      serverConnectionId: vector.native.connectionId,
    });
    const [closed, answer] = vector.datagrams.slice(-2).map((d) => hex(d.hex));
    const close = decodeConnectionClosed(closed ?? new Uint8Array());
    expect(close.debug).not.toBe('');
    expect(encodeConnectionClosed(close)).toEqual(closed);
    const noConnection = decodeNoConnection(answer ?? new Uint8Array());
    expect(noConnection).toEqual({ from: close.to, to: close.from });
    expect(encodeNoConnection(noConnection)).toEqual(answer);
  });

  test('certificates and crypt info are the bytes that were signed', () => {
    expect(clientCert.certBytes).toEqual(hex(vector.us.cert));
    expect(clientInfo.infoBytes).toEqual(hex(vector.us.info));
    expect(encodeCryptInfo(decodeCryptInfo(clientInfo.infoBytes))).toEqual(clientInfo.infoBytes);
    expect(encodeSignedCryptInfo(serverInfo)).toEqual(ok.crypt);
    for (const [{ cert }, { infoBytes, signature }] of [
      [clientCert, clientInfo],
      [serverCert, serverInfo],
    ] as const) {
      expect(crypto.ed25519Verify(cert.publicKey, infoBytes, signature)).toBe(true);
    }
    expect(serverCert.cert).toMatchObject({ identity: 'ip:::1', appIds: [0] });
    expect(decodeCryptInfo(serverInfo.infoBytes)).toMatchObject({
      protocolVersion: 13,
      ciphers: [Cipher.Aes256Gcm],
    });
  });

  test('our key signs the crypt info to the same bytes', () => {
    const seed = fromBase64Url(vector.us.ed25519Private) ?? new Uint8Array();
    expect(crypto.ed25519Sign(seed, clientInfo.infoBytes)).toEqual(clientInfo.signature);
  });

  test('the key schedule gives the recorded keys', () => {
    const keys = sessionKeys();
    expect(keys).toEqual({
      clientToServerKey: hex(vector.derived.keyClientToServer),
      serverToClientKey: hex(vector.derived.keyServerToClient),
      clientToServerIv: hex(vector.derived.ivClientToServer),
      serverToClientIv: hex(vector.derived.ivServerToClient),
    });
  });
});

describe('the recorded data', () => {
  test('every packet opens to the recorded plaintext, and seals again to the same bytes', () => {
    const keys = sessionKeys();
    const up = new PacketCipher(Cipher.Aes256Gcm, () =>
      crypto.packetAead(keys.clientToServerKey, keys.clientToServerIv),
    );
    const down = new PacketCipher(Cipher.Aes256Gcm, () =>
      crypto.packetAead(keys.serverToClientKey, keys.serverToClientIv),
    );
    const numbers = { us: new PacketNumbers(), native: new PacketNumbers() };
    numbers.us.start(1);
    numbers.native.start(1);
    const header = new DataHeader();
    for (const packet of data) {
      const bytes = hex(packet.hex);
      header.decode(bytes);
      const isOurs = packet.from === 'us';
      expect(header.toConnectionId).toBe(
        isOurs ? vector.native.connectionId : vector.us.connectionId,
      );
      const number = numbers[packet.from].expand(header.packetNumber);
      expect(String(number)).toBe(packet.packetNumber);
      expect(numbers[packet.from].judge(number)).toBe('new');
      numbers[packet.from].accept(number);
      const sealed = bytes.subarray(header.bodyAt);
      const cipher = isOurs ? up : down;
      const plaintext = cipher.open(number, sealed);
      expect(plaintext).toEqual(hex(packet.plaintext ?? ''));
      const again = new Uint8Array(sealed.length);
      cipher.seal(number, hex(packet.plaintext ?? ''), again, 0);
      expect(again).toEqual(Uint8Array.from(sealed));
      expect(cipher.open(number + 1, sealed)).toBeUndefined();
    }
    expect(data).toHaveLength(31);
  });

  test('every plaintext is frames to its last byte', () => {
    const kinds = new Map<number, number>();
    for (const { plaintext = '' } of data) {
      const reader = new FrameReader();
      const bytes = hex(plaintext);
      reader.reset(bytes);
      while (reader.next() !== FrameKind.End) {
        kinds.set(reader.kind, (kinds.get(reader.kind) ?? 0) + 1);
      }
      expect(reader.offset).toBe(bytes.length);
    }
    expect([...kinds.keys()].sort()).toEqual(
      [FrameKind.Unreliable, FrameKind.Reliable, FrameKind.StopWaiting, FrameKind.Ack].filter(
        (kind) => kinds.has(kind),
      ),
    );
    expect(kinds.get(FrameKind.StopWaiting)).toBe(31);
  });

  test('urgent pings carry stats that ask for an ack at once', () => {
    const header = new DataHeader();
    const flags = data.flatMap((packet) => {
      header.decode(hex(packet.hex));
      return header.stats === undefined ? [] : [decodeStats(header.stats).flags];
    });
    expect(flags).toHaveLength(5);
    expect(new Set(flags)).toEqual(new Set([StatsFlag.AckRequest | StatsFlag.AckRequestImmediate]));
  });
});

function sessionKeys(): ReturnType<typeof deriveSessionKeys> {
  const info = decodeCryptInfo(serverInfo.infoBytes);
  return deriveSessionKeys(crypto, {
    secret: fromBase64Url(vector.us.x25519Private) ?? new Uint8Array(),
    remotePublicKey: info.publicKey,
    clientNonce: BigInt(vector.us.nonce),
    serverNonce: info.nonce,
    clientConnectionId: vector.us.connectionId,
    serverConnectionId: vector.native.connectionId,
    clientCertBytes: clientCert.certBytes,
    serverCertBytes: serverCert.certBytes,
    clientInfoBytes: clientInfo.infoBytes,
    serverInfoBytes: serverInfo.infoBytes,
  });
}
