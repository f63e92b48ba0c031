import { describe, expect, test } from 'vitest';
import { FakeNetwork, type FakePeerConnection } from '../../test/fake-peer-connection.ts';
import { webrtcRecordBytes } from '../cert/verify/index.ts';
import { createNobleCrypto } from '../crypto/index.ts';
import { seededBytes, VirtualClock } from '../testing/index.ts';
import type { WebRtcContext } from './proof.ts';
import { WebRtcSession } from './session.ts';

const crypto = createNobleCrypto({ randomBytes: seededBytes(3) });
const keys = { alice: new Uint8Array(32).fill(1), bob: new Uint8Array(32).fill(2) };
const stranger = new Uint8Array(32).fill(3);
const publicKey = (seed: Uint8Array): Uint8Array => crypto.ed25519PublicKey(seed);

interface Attack {
  /** What Alice and Bob believe, where it differs. */
  readonly alice?: Partial<WebRtcContext>;
  readonly bob?: Partial<WebRtcContext>;
  readonly bobSigns?: (bytes: Uint8Array) => Uint8Array;
  /** Changes the signals on their way, as a server could if they were not signed. */
  readonly onSignal?: (payload: Uint8Array) => Uint8Array;
  readonly onConnection?: (connection: FakePeerConnection, index: number) => void;
}

/** Alice (1) and Bob (2) try to meet; gives what Alice saw, packets from Bob included. */
async function meet(attack: Attack = {}): Promise<{ alice: string[]; bob: string[] }> {
  const clock = new VirtualClock();
  const network = new FakeNetwork(clock);
  const logs = { alice: [] as string[], bob: [] as string[] };
  const sessions: Partial<Record<'alice' | 'bob', WebRtcSession>> = {};
  const join = (name: 'alice' | 'bob', other: 'alice' | 'bob'): void => {
    const isAlice = name === 'alice';
    const forged = isAlice ? undefined : attack.bobSigns;
    sessions[name] = new WebRtcSession({
      context: {
        app: 'arena',
        lobby: 'l1',
        epoch: 4,
        local: isAlice ? 1 : 2,
        remote: isAlice ? 2 : 1,
        remoteKey: publicKey(keys[other]),
        ...attack[name],
      },
      sign: forged ?? ((bytes) => crypto.ed25519Sign(keys[name], bytes)),
      crypto,
      scheduler: clock,
      createPeerConnection: () => {
        const connection = network.create();
        attack.onConnection?.(connection, network.connections.length - 1);
        return connection;
      },
      sendSignal: (payload) => {
        const carried = attack.onSignal?.(payload) ?? payload;
        clock.after(1, () => sessions[other]?.handleSignal(carried));
      },
      handlers: {
        onOpen: () => {
          logs[name].push('open');
          sessions[name]?.send(Uint8Array.of(1), true);
        },
        onPacket: (packet) => logs[name].push(`packet ${String(packet)}`),
        onWritable: () => {},
        onClosed: (_reason, code) => logs[name].push(`closed ${code}`),
      },
    });
  };
  join('alice', 'bob');
  join('bob', 'alice');
  await clock.advanceAsync(30_000);
  return logs;
}

test('the honest two open and hear each other', async () => {
  expect(await meet()).toEqual({ alice: ['open', 'packet 1'], bob: ['open', 'packet 1'] });
});

describe('refused before anything is announced or delivered', () => {
  const swapFingerprint = (payload: Uint8Array): Uint8Array => {
    const text = Array.from(payload, (byte) => String.fromCharCode(byte)).join('');
    const swapped = text.replace(
      /(sha-256 )(?:01|02)(:..){31}/,
      `$1${Array(32).fill('EE').join(':')}`,
    );
    return Uint8Array.from(swapped, (char) => char.charCodeAt(0));
  };

  test.each<[string, Attack]>([
    ['another key than the certified one', { bobSigns: (b) => crypto.ed25519Sign(stranger, b) }],
    ['a forged signature', { bobSigns: () => new Uint8Array(64).fill(9) }],
    ['a record of another lobby', { bob: { lobby: 'l2' } }],
    ['a record of another app', { bob: { app: 'chess' } }],
    ['a record of another epoch', { bob: { epoch: 3 } }],
    ['a forged sender: another member id', { bob: { local: 3 } }],
    ['a proof meant for somebody else', { bob: { remote: 9, local: 12 } }],
  ])('%s', async (_name, attack) => {
    const { alice } = await meet(attack);
    expect(alice).toEqual(['closed PEER_UNVERIFIED']);
  });

  test('fingerprints swapped on the way: the signed ones are those really in force', async () => {
    // The transport is made to accept the stranger's certificate, as a man in the middle would.
    const { alice, bob } = await meet({
      onSignal: swapFingerprint,
      onConnection: (connection) => {
        connection.fits = (other) => {
          const bare = (sdp = ''): string => sdp.replace(/sha-256 .*/, '');
          const local = connection.localDescription?.sdp;
          return local !== undefined && bare(other.remoteDescription?.sdp) === bare(local);
        };
      },
    });
    expect([alice, bob]).toEqual([['closed PEER_UNVERIFIED'], ['closed PEER_UNVERIFIED']]);
  });

  test('reflection: our own proof sent back to us', async () => {
    let own: Uint8Array | undefined;
    const { alice } = await meet({
      onConnection: (connection, index) => {
        queueMicrotask(() => {
          const channel = connection.channels.get(0);
          if (!channel) return;
          channel.tamper = (bytes) => {
            if (index === 0) own = bytes;
            return index === 0 ? bytes : own;
          };
        });
      },
    });
    expect(alice).toEqual(['closed PEER_UNVERIFIED']);
  });

  test('replay: a proof of an earlier attempt', async () => {
    const proofs: Uint8Array[] = [];
    const tap = (change: (bytes: Uint8Array) => Uint8Array): Attack => ({
      onConnection: (connection, index) => {
        queueMicrotask(() => {
          const channel = connection.channels.get(0);
          if (channel && index === 1) channel.tamper = change;
        });
      },
    });
    await meet(
      tap((bytes) => {
        proofs.push(bytes);
        return bytes;
      }),
    );
    const [old] = proofs;
    expect(old).toBeDefined();
    const { alice } = await meet(tap((bytes) => old ?? bytes));
    expect(alice).toEqual(['closed PEER_UNVERIFIED']);
  });

  test('swapped roles: a record that says its signer offered', async () => {
    const { alice } = await meet({
      bobSigns: (bytes) => {
        const text = String.fromCharCode(...bytes);
        const [first, second] = [text.indexOf('\x00\x07offerer'), text.indexOf('\x00\x08answerer')];
        expect(Math.min(first, second)).toBeGreaterThan(0);
        const swapped = text
          .replace('\x00\x08answerer', '\x00?')
          .replace('\x00\x07offerer', '\x00\x08answerer')
          .replace('\x00?', '\x00\x07offerer');
        const record = Uint8Array.from(swapped, (char) => char.charCodeAt(0));
        return crypto.ed25519Sign(keys.bob, record);
      },
    });
    expect(alice).toEqual(['closed PEER_UNVERIFIED']);
  });

  test('no proof within five seconds', async () => {
    const { alice } = await meet({
      onConnection: (connection, index) => {
        queueMicrotask(() => {
          const channel = connection.channels.get(0);
          if (channel && index === 1) channel.tamper = () => undefined;
        });
      },
    });
    expect(alice).toEqual(['closed PEER_UNVERIFIED']);
  });

  test('packets before the proof: reliable ones end it, unreliable ones are dropped', async () => {
    const speakFirst = (channelId: number): Attack => ({
      onConnection: (connection, index) => {
        queueMicrotask(() => {
          const channel = connection.channels.get(channelId);
          if (channel && index === 0) {
            channel.addEventListener('open', () => channel.deliver(Uint8Array.of(66)));
          }
        });
      },
    });
    expect((await meet(speakFirst(0))).alice).toEqual(['closed PEER_UNVERIFIED']);
    expect((await meet(speakFirst(1))).alice).toEqual(['open', 'packet 1']);
  });

  test('a second fingerprint in the description never reaches the stack', async () => {
    const applied: string[] = [];
    const { alice } = await meet({
      onConnection: (connection, index) => {
        if (index !== 1) return;
        const { fingerprint } = connection;
        connection.fingerprint = `${fingerprint}\r\na=fingerprint:sha-256 ${fingerprint}`;
        const apply = connection.setRemoteDescription.bind(connection);
        connection.setRemoteDescription = (description) => {
          applied.push(description.sdp);
          return apply(description);
        };
      },
    });
    expect(applied.every((sdp) => sdp.split('fingerprint').length === 2)).toBe(true);
    expect(alice.at(-1)).toMatch(/^closed (PEER_CONNECT_FAILED|WEBRTC_SDP_REFUSED)$/);
  });
});

test('the record that is signed starts with a zero byte, so that it is no signature of GNS', () => {
  const nonce = new Uint8Array(16);
  const fingerprint = new Uint8Array(32);
  const bytes = webrtcRecordBytes({
    app: 'arena',
    lobby: 'l1',
    epoch: 1,
    from: 1,
    to: 2,
    fromRole: 'offerer',
    toRole: 'answerer',
    fromNonce: nonce,
    toNonce: nonce,
    fromFingerprint: fingerprint,
    toFingerprint: fingerprint,
  });
  expect(bytes[0]).toBe(0);
});
