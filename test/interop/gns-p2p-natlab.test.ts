import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab, whyNoLab } from '../natlab/lab.ts';
import { startLabCoturn, startLabRelay } from '../natlab/lab-relay.ts';
import { isDirect, type Nat, nats } from '../scenario/ice/truth-table.ts';
import {
  callers,
  callInVain,
  type LabEnd,
  type LabServers,
  meet,
  openNative,
  openOurs,
} from './gns-lab-rig.ts';
import { nativeBinary } from './gns-native.ts';

/** GNS P2P between ours and the native library, each behind a NAT of the truth table. */
const why = whyNoLab();
if (process.env.CI && why !== undefined) throw new Error(`CI needs the NAT lab: ${why}`);
if (why !== undefined) console.warn(`skipped: ${why}`);

const server = '203.0.113.10';
const stun = `${server}:3478`;
/** The native library knows TURN by UDP alone. */
const udpNats = nats.filter((nat) => nat !== 'udp-blocked');
const cells = nats.flatMap((x) => udpNats.map((y) => [x, y] as const));
const cellsByUdp = udpNats.flatMap((x) => udpNats.map((y) => [x, y] as const));
const relayed = cellsByUdp.filter(([x, y]) => !isDirect(x, y));

const lanOf = (side: 'a' | 'b', nat: Nat): string => `${side}${nat.charAt(0)}`;

describe.skipIf(why !== undefined || nativeBinary === undefined)('in the NAT lab', () => {
  const lab = new Lab(`icg${process.pid % 10_000}`);
  const ends = new Map<string, LabEnd>();
  let program = '';
  let coturn = '';
  let port = 0;

  beforeAll(async () => {
    await lab.do('up');
    for (const nat of nats) {
      await lab.do('lan', lanOf('a', nat), nat);
      await lab.do('lan', lanOf('b', nat), nat);
    }
    await startLabRelay(lab, server, '--limits', '{"allocationsPerPlayer":1000}');
    await lab.do('host', 'cot');
    coturn = await lab.do('addr', 'cot');
    startLabCoturn(lab, 'cot', coturn);
    program = await lab.bundle(join(import.meta.dirname, '../natlab/gns-peer.ts'));
  });

  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  /** Opened once, and used again. */
  async function end(who: 'ours' | 'native', host: string, servers: LabServers): Promise<LabEnd> {
    const key = `${who} ${host} ${servers.turn}`;
    const known = ends.get(key);
    if (known !== undefined) return known;
    const opened = await (who === 'native'
      ? openNative(lab, host, servers)
      : openOurs(lab, program, host, servers));
    ends.set(key, opened);
    return opened;
  }

  describe.each(cells)('ours behind %s, native behind %s, with our relay', (x, y) => {
    test.each(callers)('%s calls: messages pass, directly where both can be', async (caller) => {
      const turn = `${server}:3478`;
      const byTcp = [`turn:${server}:443?transport=tcp`];
      const ours = await end('ours', `${lanOf('a', x)}1`, { stun, turn, moreTurn: byTcp });
      const native = await end('native', `${lanOf('b', y)}1`, { stun, turn });
      const meeting = await meet([ours, native], caller, port++);
      await meeting.echo(`${x} ${y} ${caller}`);
      // A native peer that chooses takes the first pair that works, and a better one later.
      const kind = isDirect(x, y) ? 'udp' : 'relay';
      expect(await meeting.settledRoutes(kind)).toEqual([kind, kind]);
      await meeting.echo('and then');
      meeting.end();
    });
  });

  describe.each(relayed)('ours behind %s, native behind %s, with coturn', (x, y) => {
    test.each(callers)('%s calls: messages pass', async (caller) => {
      const turn = `${coturn}:3478`;
      const ours = await end('ours', `${lanOf('a', x)}1`, { stun, turn });
      const native = await end('native', `${lanOf('b', y)}1`, { stun, turn });
      const meeting = await meet([ours, native], caller, port++);
      await meeting.echo(`${x} ${y} ${caller}`);
      expect(await meeting.settledRoutes('relay')).toEqual(['relay', 'relay']);
      meeting.end();
    });
  });

  test.each(['ours', 'native'] as const)(
    'native behind udp-blocked, which knows no relay by TCP, does not reach %s',
    async (who) => {
      const turn = `${server}:3478`;
      const blocked = await openNative(lab, `${lanOf('b', 'udp-blocked')}1`, { stun, turn });
      const other = await end(who, `${lanOf('a', 'full-cone')}1`, { stun, turn });
      await callInVain([blocked, other], port++);
      await blocked.peer[Symbol.asyncDispose]();
    },
  );
});
