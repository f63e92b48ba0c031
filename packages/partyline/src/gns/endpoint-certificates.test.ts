import { describe, expect, test } from 'vitest';
import { connected, crypto, EPOCH_MS, endpoint, pair } from '../../test/gns-rig.ts';
import { CertStore, caKeyId, issueCaCert, issueCert } from '../cert/index.ts';
import { SimNetwork } from '../testing/index.ts';
import { EndReason, type LocalIdentity, selfMadeIdentity } from './index.ts';

describe('certificates', () => {
  const caSeed = new Uint8Array(32).fill(7);
  const trustedCas = [crypto.ed25519PublicKey(caSeed)];
  const now = EPOCH_MS / 1000;

  function certified(identity: string, validSec: number, appIds = [0]): LocalIdentity {
    const seed = crypto.randomBytes(32);
    const publicKey = crypto.ed25519PublicKey(seed);
    const times = { timeCreatedSec: now - 100, timeExpirySec: now + validSec };
    const cert = issueCert(crypto, caSeed, { identity, publicKey, appIds, ...times });
    return { identity, seed, cert };
  }

  test('a trusted CA proves the peer', () => {
    const options = { trustedCas, allowWithoutAuth: 0 } as const;
    const { connection, incoming } = connected({
      clientIdentity: certified('str:alice', 60),
      serverIdentity: certified('str:bob', 60),
      clientOptions: options,
      serverOptions: options,
    });
    expect(connection.isVerified).toBe(true);
    expect(incoming().isVerified).toBe(true);
  });

  test.each([
    ['nobody signed it', selfMadeIdentity(crypto, 'str:alice')],
    ['it has expired', certified('str:alice', -1)],
  ])('where certificates are demanded, %s: 4003', (_why, clientIdentity) => {
    const serverOptions = { trustedCas, allowWithoutAuth: 0 } as const;
    const { net, connection } = pair({ clientIdentity, serverOptions });
    net.run(200);
    expect(connection).toMatchObject({ endReason: EndReason.RemoteBadCert });
    expect(net.eventsB).toEqual([]);
  });

  test('a server without a certificate, where the client demands one: 4003 on both sides', () => {
    const clientOptions = { trustedCas, allowWithoutAuth: 0 } as const;
    const { net, server, connection, incoming } = pair({ clientOptions });
    net.run(100);
    server.accept(net.now, incoming());
    net.run(200);
    expect(connection.endReason).toBe(EndReason.RemoteBadCert);
    expect(incoming()).toMatchObject({
      endReason: EndReason.RemoteBadCert,
      endDebug: connection.endDebug,
    });
  });

  test('a chain proves the peer, until one of its keys is revoked in the running endpoint', () => {
    const rootSeed = new Uint8Array(32).fill(8);
    const publicKey = crypto.ed25519PublicKey(caSeed);
    const times = { timeCreatedSec: now - 100, timeExpirySec: now + 60 };
    const certStore = new CertStore(crypto, {
      roots: [crypto.ed25519PublicKey(rootSeed)],
      intermediates: [issueCaCert(crypto, rootSeed, { publicKey, appIds: [0], ...times })],
    });
    const setup = {
      clientIdentity: certified('str:alice', 60),
      serverOptions: { certStore, allowWithoutAuth: 0 },
    } as const;
    expect(connected(setup).incoming().isVerified).toBe(true);
    certStore.revoke(caKeyId(crypto, publicKey));
    const { net, connection } = pair(setup);
    net.run(200);
    expect(connection.endReason).toBe(EndReason.RemoteBadCert);
    expect(connection.endDebug).toContain('was revoked');
  });

  test.each([
    [1, 'certificate refused: it is not signed'],
    [2, undefined],
  ] as const)('policy %i takes a peer that nobody vouches for; the warning is %s', (allow, why) => {
    const { incoming } = connected({ serverOptions: { trustedCas, allowWithoutAuth: allow } });
    expect(incoming().remote).toMatchObject({ isVerified: false, warning: why });
  });

  test('a certificate for another app: 4003', () => {
    const { net, connection } = pair({ clientIdentity: certified('str:alice', 60, [480]) });
    net.run(200);
    expect(connection).toMatchObject({
      endReason: EndReason.RemoteBadCert,
      endDebug: 'certificate refused: it is not authorized for appid 0',
    });
  });

  const weak = { ...crypto, x25519PublicKey: () => new Uint8Array(32) };

  test('a client’s session key of low order: 4002, and nobody asks the program', () => {
    const server = endpoint(selfMadeIdentity(crypto, 'str:bob'), { isListening: true });
    const client = endpoint(selfMadeIdentity(crypto, 'str:alice'), {}, weak);
    const connection = client.connect(0, 'b');
    const net = new SimNetwork(client, server, { latencyMs: 10 }, 1);
    net.run(200);
    expect(connection.endReason).toBe(EndReason.RemoteBadCrypt);
    expect(net.eventsB).toEqual([]);
  });

  test('a server’s session key of low order: 4002 on both sides', () => {
    const server = endpoint(selfMadeIdentity(crypto, 'str:bob'), { isListening: true }, weak);
    const client = endpoint(selfMadeIdentity(crypto, 'str:alice'), {});
    const connection = client.connect(0, 'b');
    const net = new SimNetwork(client, server, { latencyMs: 10 }, 1);
    net.run(100);
    const asked = net.eventsB.find(({ type }) => type === 'incoming');
    if (asked !== undefined) server.accept(net.now, asked.connection);
    net.run(200);
    expect(connection.endReason).toBe(EndReason.RemoteBadCrypt);
    expect(asked?.connection.endReason).toBe(EndReason.RemoteBadCrypt);
  });

  test('a key that is not the certificate’s: 4002', () => {
    const alice = selfMadeIdentity(crypto, 'str:alice');
    const thief = { ...alice, seed: crypto.randomBytes(32) };
    const { net, connection } = pair({ clientIdentity: thief });
    net.run(200);
    expect(connection.endReason).toBe(EndReason.RemoteBadCrypt);
  });
});
