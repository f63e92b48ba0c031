import { describe, expect, test } from 'vitest';
import { connected, crypto, drain, endpoint } from '../../test/gns-rig.ts';
import { SendFlag } from '../snp/index.ts';
import { SimNetwork } from '../testing/index.ts';
import { type GnsCrypto, makeHandshake, selfMadeIdentity } from './index.ts';
import { agreeOnCiphers } from './session-ciphers.ts';
import { SpareShare } from './spare-share.ts';

const bob = selfMadeIdentity(crypto, 'str:bob');

/** Counts agreements and shares. */
function counting(): GnsCrypto & { agreed: number; shares: Uint8Array[] } {
  const counted = {
    ...crypto,
    agreed: 0,
    shares: [] as Uint8Array[],
    x25519: (secret: Uint8Array, publicKey: Uint8Array) => {
      counted.agreed += 1;
      return crypto.x25519(secret, publicKey);
    },
    x25519PublicKey: (secret: Uint8Array) => {
      counted.shares.push(secret);
      return crypto.x25519PublicKey(secret);
    },
  };
  return counted;
}

describe('what is made ahead', () => {
  test('a share is taken once; the next is another, also where there is none ready', () => {
    const spare = new SpareShare(crypto, bob);
    spare.refill(2);
    const taken = [spare.take(2), spare.take(2)];
    spare.refill(2);
    taken.push(spare.take(2));
    expect(new Set(taken.map(({ secret }) => secret.join())).size).toBe(3);
    expect(new Set(taken.map(({ nonce }) => nonce)).size).toBe(3);
  });

  test('one for another cipher is not taken but wiped', () => {
    const counted = counting();
    const spare = new SpareShare(counted, bob);
    spare.refill(2);
    const other = spare.take(1);
    expect(counted.shares).toEqual([new Uint8Array(32), other.secret]);
    expect([spare.isReady, other.secret.some((byte) => byte !== 0)]).toEqual([false, true]);
  });

  test('an endpoint that listens no more keeps none', () => {
    const counted = counting();
    const server = endpoint(bob, { isListening: true }, counted);
    expect(server.isUnprepared).toBe(true);
    server.prepare();
    expect([server.isUnprepared, counted.shares.length]).toEqual([false, 1]);
    server.isListening = false;
    expect(server.isUnprepared).toBe(true);
    server.prepare();
    expect([server.isUnprepared, counted.shares]).toEqual([false, [new Uint8Array(32)]]);
  });

  test('a server answers without a key made then, and agrees once the answer has left', () => {
    const counted = counting();
    const server = endpoint(bob, { isListening: true }, counted);
    const client = endpoint(selfMadeIdentity(crypto, 'str:alice'), {});
    server.prepare();
    const connection = client.connect(0, 'b');
    const net = new SimNetwork(client, server, { latencyMs: 10 }, 1);
    net.run(100);
    const asked = net.eventsB.find(({ type }) => type === 'incoming');
    if (asked === undefined) throw new Error('nobody came');
    expect(server.accept(net.now, asked.connection)).toBe(true);
    net.run(200);
    expect([connection.state, counted.agreed, counted.shares.length]).toEqual(['connected', 0, 1]);
    server.prepare();
    expect([counted.agreed, counted.shares.length]).toEqual([1, 2]);
    expect(counted.shares[0]).toEqual(new Uint8Array(32)); // our secret is gone with the agreement
    server.prepare();
    expect([counted.agreed, counted.shares.length]).toEqual([1, 2]);
  });

  test('who never prepares agrees with the first packet', () => {
    const { net, client, server, connection, incoming } = connected();
    connection.snp.send(net.now, Uint8Array.of(7), SendFlag.Reliable | SendFlag.NoNagle);
    client.touch(net.now, connection);
    incoming().snp.send(net.now, Uint8Array.of(8), SendFlag.Reliable | SendFlag.NoNagle);
    server.touch(net.now, incoming());
    net.run(net.now + 100);
    expect(drain(incoming(), net.now)).toEqual([Uint8Array.of(7)]);
    expect(drain(connection, net.now)).toEqual([Uint8Array.of(8)]);
  });

  test('both directions come of one agreement, and none of packets that are not protected', () => {
    const counted = counting();
    const [ours, theirs] = [makeHandshake(crypto, bob, [2]), makeHandshake(crypto, bob, [2])];
    const { certBytes, infoBytes, nonce, secret } = theirs;
    const info = {
      publicKey: crypto.x25519PublicKey(secret),
      nonce,
      protocolVersion: 13,
      ciphers: [2],
    };
    const shown = { identity: 'str:bob', isVerified: false, warning: undefined };
    const remote = { ...shown, certBytes, infoBytes, info };
    const side = { role: 'client', id: 1, remoteId: 2, handshake: ours, remote } as const;
    const bare = agreeOnCiphers(counted, 1, side);
    for (const cipher of [bare.sealer, bare.opener]) cipher.prepare();
    expect(counted.agreed).toBe(0);
    const sealed = agreeOnCiphers(counted, 2, side);
    for (const cipher of [sealed.sealer, sealed.opener]) cipher.prepare();
    expect(counted.agreed).toBe(1);
  });
});
