import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { introduce } from '../natlab/introduce.ts';
import { Lab, RemotePeer, whyNoLab } from '../natlab/lab.ts';
import { startLabRelay } from '../natlab/lab-relay.ts';
import { selectedPair, talk } from '../natlab/traffic.ts';
import { isDirect, type Nat, natPairs, nats } from '../scenario/ice/truth-table.ts';

const why = whyNoLab();
if (process.env.CI && why !== undefined) throw new Error(`CI needs the NAT lab: ${why}`);
if (why !== undefined) console.warn(`skipped: ${why}`);

const server = '203.0.113.10';
const stun = [{ urls: `stun:${server}:3478` }];
const turn = [
  ...stun,
  {
    urls: [
      `turn:${server}:3478`,
      `turn:${server}:443?transport=tcp`,
      `turns:${server}:443?transport=tcp`,
    ],
    username: 'u',
    credential: 'p',
  },
];
/** Short, since half of the cells without a relay cannot connect at all. */
const impatient = { timings: { connectTimeoutMs: 4000 } };

/** `af` is the first player's network behind a full cone, `bf` the second's. */
const lanOf = (side: 'a' | 'b', nat: Nat): string => `${side}${nat.charAt(0)}`;

describe.skipIf(why !== undefined)('in the NAT lab', () => {
  const lab = new Lab(`ice${process.pid % 10_000}`);
  const peers = new Map<string, RemotePeer>();
  const peer = (side: 'a' | 'b', nat: Nat): RemotePeer => {
    const found = peers.get(lanOf(side, nat));
    if (found === undefined) throw new Error(`no peer behind ${nat}`);
    return found;
  };

  beforeAll(async () => {
    await lab.do('up');
    for (const nat of nats) {
      await lab.do('lan', lanOf('a', nat), nat);
      await lab.do('lan', lanOf('b', nat), nat);
    }
    await startLabRelay(lab, server);
    const program = await lab.bundle(join(import.meta.dirname, '../natlab/ice-peer.ts'));
    for (const side of ['a', 'b'] as const) {
      for (const nat of nats) {
        const lan = lanOf(side, nat);
        const remote = new RemotePeer(lab, `${lan}1`, [process.execPath, program]);
        peers.set(lan, remote);
        await remote.until((line) => line.type === 'ready', 20_000, 0);
      }
    }
  });

  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  describe.each(natPairs)('%s and %s', (x, y) => {
    test('without a relay: connected exactly where the NATs let them', async () => {
      const meeting = await introduce(peer('a', x), peer('b', y), {
        servers: stun,
        options: impatient,
      });
      await meeting.end();
      const wanted = isDirect(x, y) ? 'connected' : 'failed';
      expect(meeting.outcomes.map(({ state }) => state)).toEqual([wanted, wanted]);
    });

    test('with a relay: always connected, and direct wins wherever direct exists', async () => {
      const [a, b] = [peer('a', x), peer('b', y)];
      const meeting = await introduce(a, b, { servers: turn });
      expect(meeting.outcomes.map(({ state }) => state)).toEqual(['connected', 'connected']);
      await talk(a, b);
      expect(selectedPair(a)?.isRelayed).toBe(!isDirect(x, y));
      expect(selectedPair(b)?.isRelayed).toBe(!isDirect(x, y));
      await meeting.end();
    });
  });
});
