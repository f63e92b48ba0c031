import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab, whyNoLab } from '../natlab/lab.ts';
import { startLabRelay } from '../natlab/lab-relay.ts';
import { type LabEnd, type LabMeeting, meet, openOurs } from './gns-lab-rig.ts';

/** GNS connections between two of ours while their networks change under them. */
const why = whyNoLab();
if (process.env.CI && why !== undefined) throw new Error(`CI needs the NAT lab: ${why}`);
if (why !== undefined) console.warn(`skipped: ${why}`);

const server = '203.0.113.10';
/**
 * Silence besides the time that a network is away: 400 ms until it is noticed, as long until the way
 * is given up, and then what answers. Alone on a machine 0.2 to 1.1 s.
 */
const SILENCE_MS = 2500;

describe.skipIf(why !== undefined)('in the NAT lab, mid-game', () => {
  const lab = new Lab(`icm${process.pid % 10_000}`);
  const ends = new Map<string, LabEnd>();
  let port = 0;
  let lastHost = 60;

  beforeAll(async () => {
    await lab.do('up');
    await lab.do('lan', 'p', 'port-restricted');
    await lab.do('lan', 'q', 'port-restricted');
    await lab.do('lan', 'r', 'restricted-cone');
    await lab.do('lan', 's', 'symmetric');
    await lab.do('lan', 'u', 'udp-blocked');
    // An address that is gone keeps its allocation until the lifetime ends.
    await startLabRelay(lab, server, '--limits', '{"allocationsPerPlayer":1000}');
    const program = await lab.bundle(join(import.meta.dirname, '../natlab/gns-peer.ts'));
    const relay = { turn: `${server}:3478`, moreTurn: [`turn:${server}:443?transport=tcp`] };
    for (const host of ['p1', 'q1', 'r1', 's1', 'u1']) {
      ends.set(host, await openOurs(lab, program, host, { stun: `${server}:3478`, ...relay }));
    }
  });

  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  async function playing(x: string, y: string): Promise<LabMeeting> {
    const [a, b] = [ends.get(x), ends.get(y)];
    if (a === undefined || b === undefined) throw new Error('nobody there');
    const meeting = await meet([a, b], 'the first', port++);
    await meeting.play();
    await meeting.heardMore(50);
    return meeting;
  }

  /** Every message that was sent before, while and after `change` comes once and in its order. */
  async function survives(meeting: LabMeeting, change: () => Promise<unknown>): Promise<void> {
    const startedAt = performance.now();
    await change();
    const awayMs = performance.now() - startedAt;
    await meeting.heardMore(50);
    const [a, b] = await meeting.stopped();
    expect([a.wrong, b.wrong]).toEqual([undefined, undefined]);
    expect([a.received, b.received]).toEqual([b.sent, a.sent]);
    expect(Math.max(a.gapMs, b.gapMs) - awayMs).toBeLessThan(SILENCE_MS);
    meeting.end();
  }

  /** Who calls is controlled, who is called controls. */
  const pairs = [
    ['p1', 'q1', 'udp'],
    ['p1', 'r1', 'udp'],
    ['r1', 'p1', 'udp'],
    ['p1', 's1', 'relay'],
    ['s1', 'p1', 'relay'],
  ] as const;

  describe.each(pairs)('%s calls %s, by %s', (x, y, kind) => {
    const [lan = ''] = x;

    test.each(['port', 'ip', 'both'])(
      'the NAT of who calls reboots with another %s',
      async (what) => {
        const meeting = await playing(x, y);
        expect(await meeting.settledRoutes(kind)).toEqual([kind, kind]);
        await survives(meeting, () => lab.do('rebind', lan, what));
      },
    );

    test('the NAT of who calls reboots and is the same as before', async () => {
      const meeting = await playing(x, y);
      const type = { p: 'port-restricted', r: 'restricted-cone', s: 'symmetric' }[lan] ?? '';
      await survives(meeting, () => lab.do('nat', lan, type));
    });

    test('the interface of who calls gets another address', async () => {
      const meeting = await playing(x, y);
      await survives(meeting, () => moveHost(x));
    });
  });

  test.each([
    ['u1', 'p1'],
    ['p1', 'u1'],
  ])('%s calls %s: the NAT in front of a relay by TCP gets another address', async (x, y) => {
    const meeting = await playing(x, y);
    expect(await meeting.settledRoutes('relay')).toEqual(['relay', 'relay']);
    await survives(meeting, () => lab.do('rebind', 'p', 'ip'));
  });

  async function moveHost(host: string): Promise<void> {
    const address = "ip -4 -o addr show dev eth0 | sed 's/.*inet //; s,/.*,,'";
    const old = await lab.do('run', host, 'sh', '-c', address);
    const net = old.replace(/\d+$/, '');
    const script = `ip addr flush dev eth0; ip addr add ${net}${lastHost++}/24 dev eth0; ip route replace default via ${net}1`;
    await lab.do('run', host, 'sh', '-c', script);
  }
});
