import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { introduce } from '../natlab/introduce.ts';
import { Lab, RemotePeer, whyNoLab } from '../natlab/lab.ts';
import { startLabCoturn, startLabRelay, startLabServer } from '../natlab/lab-relay.ts';
import { heardMore, play, selectedPair, talk } from '../natlab/traffic.ts';

const why = whyNoLab();
if (process.env.CI && why !== undefined) throw new Error(`CI needs the NAT lab: ${why}`);
if (why !== undefined) console.warn(`skipped: ${why}`);

const server = '203.0.113.10';
const server6 = 'fd00:113::10';
const servers = [
  {
    urls: [`stun:${server}:3478`, `turn:${server}:3478`, `turn:${server}:443?transport=tcp`],
    username: 'u',
    credential: 'p',
  },
];
/** Silence besides the time that a network is away; alone on a machine 0.2 to 1.1 s. */
const SILENCE_MS = 2500;

describe.skipIf(why !== undefined)('in the NAT lab', () => {
  const lab = new Lab(`icc${process.pid % 10_000}`);
  let program = '';
  const peers = new Map<string, RemotePeer>();

  beforeAll(async () => {
    await lab.do('up', 'v6');
    await lab.do('lan', 'a', 'port-restricted', 'clients=2', 'hairpin', 'v6=off');
    await lab.do('lan', 'b', 'port-restricted', 'v6=off');
    await lab.do('lan', 'c', 'restricted-cone', 'v6=off');
    await lab.do('lan', 's', 'symmetric', 'v6=off');
    await lab.do('lan', 'u', 'udp-blocked', 'v6=off');
    await lab.do('lan', 'in', 'port-restricted', 'behind=b', 'v6=off');
    await lab.do('lan', 'w', 'port-restricted', 'wan-input=accept', 'v6=off');
    for (const lan of ['x', 'y']) {
      await lab.do('lan', lan, 'port-restricted');
      await lab.do('run', `${lan}1`, 'ip', '-4', 'addr', 'flush', 'dev', 'eth0');
    }
    await startLabRelay(lab, server, '--listen', `[${server6}]:3478`);
    program = await lab.bundle(join(import.meta.dirname, '../natlab/ice-peer.ts'));
  });

  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  async function peer(host: string): Promise<RemotePeer> {
    const known = peers.get(host);
    if (known !== undefined) return known;
    const opened = new RemotePeer(lab, host, [process.execPath, program]);
    peers.set(host, opened);
    await opened.until((line) => line.type === 'ready', 20_000, 0);
    return opened;
  }

  async function pair(x: string, y: string): Promise<[RemotePeer, RemotePeer]> {
    return [await peer(x), await peer(y)];
  }

  test.each(['a1', 'c1'])('behind two NATs, one in the other, direct to %s', async (other) => {
    const [x, y] = await pair('in1', other);
    const meeting = await introduce(x, y, { servers });
    await talk(x, y);
    expect(selectedPair(x)?.isRelayed).toBe(false);
    await meeting.end();
  });

  test('hairpin: behind one NAT, knowing only the addresses outside of it', async () => {
    const [x, y] = await pair('a1', 'a2');
    const meeting = await introduce(x, y, {
      servers: [{ urls: `stun:${server}:3478` }],
      rewrite: (text) => (text.includes('typ srflx') ? text : undefined),
    });
    await talk(x, y);
    expect(selectedPair(x)?.remote.host).toBe(await lab.do('addr', 'r-a'));
    await meeting.end();
  });

  test.each(['c1', 'a1'])('a router that takes early probes for its own, to %s', async (other) => {
    const [x, y] = await pair('w1', other);
    const meeting = await introduce(x, y, { servers });
    expect(meeting.outcomes.map(({ state }) => state)).toEqual(['connected', 'connected']);
    await talk(x, y);
    await meeting.end();
  });

  test('only IPv6 on either side, behind firewalls', async () => {
    const [x, y] = await pair('x1', 'y1');
    const meeting = await introduce(x, y, { servers: [{ urls: `stun:[${server6}]:3478` }] });
    await talk(x, y);
    expect(selectedPair(x)?.remote.host).toBe(await lab.do('addr', 'y1', '6'));
    await meeting.end();
  });

  test('no UDP: by a WebSocket on port 443', async () => {
    const [x, y] = await pair('u1', 'c1');
    await lab.do('host', 'web');
    const host = await lab.do('addr', 'web');
    const { username, password } = await startLabServer(lab, 'web', host);
    const relay = { urls: `ws://${host}:443/v1/turn`, username, credential: password };
    const meeting = await introduce(x, y, { servers: [relay] });
    await talk(x, y);
    expect(selectedPair(x)?.isRelayed).toBe(true);
    await meeting.end();
  });

  test('no UDP: by TLS on port 443', async () => {
    const [x, y] = await pair('u1', 's1');
    const relay = { urls: `turns:${server}:443?transport=tcp`, username: 'u', credential: 'p' };
    const meeting = await introduce(x, y, { servers: [relay] });
    await talk(x, y);
    expect(selectedPair(x)?.isRelayed).toBe(true);
    await meeting.end();
  });

  test('coturn is the relay', async () => {
    const [x, y] = await pair('a1', 's1');
    await lab.do('host', 'cot');
    const host = await lab.do('addr', 'cot');
    startLabCoturn(lab, 'cot', host);
    const relay = { urls: `turn:${host}:3478`, username: 'u', credential: 'p' };
    const meeting = await introduce(x, y, { servers: [relay] });
    await talk(x, y);
    expect(selectedPair(x)?.isRelayed).toBe(true);
    await meeting.end();
  });

  test('RFC 6886: a router maps a port, and the address is told', async () => {
    const [w] = await pair('w1', 'c1');
    const responder = await lab.bundle(join(import.meta.dirname, '../natlab/pmp-router.ts'));
    const router = lab.spawn('r-w', process.execPath, [responder, '203.0.113.77', '4711']);
    await once(router.stdout, 'data');
    const told = w.until(
      (line) => line.type === 'candidate' && line.text.includes('203.0.113.77 4711 typ srflx'),
    );
    const options = { role: 'controlling' } as const;
    w.tell({ type: 'open', servers: [], options, mapsPorts: true });
    await told;
    const closed = w.until((line) => line.type === 'closed');
    w.tell({ type: 'close' });
    await closed;
    const ended = once(router, 'close');
    router.kill('SIGKILL');
    await ended;
  });

  test('one datagram in ten is lost while the way is looked for', async () => {
    const [x, y] = await pair('a1', 'c1');
    await lab.do('loss', 'a', '10');
    for (let round = 0; round < 5; round++) {
      const meeting = await introduce(x, y, { servers });
      expect(meeting.outcomes.map(({ state }) => state)).toEqual(['connected', 'connected']);
      await talk(x, y);
      await meeting.end();
    }
    await lab.do('loss', 'a', '0');
  });

  describe.each(['standard', 'gns'] as const)('%s, mid-game', (dialect) => {
    const options = { dialect };

    test.each(['port', 'ip'])('the NAT of the controlling side gets another %s', async (what) => {
      const [x, y] = await pair('a1', 'c1');
      const meeting = await introduce(x, y, { servers, options });
      await play(x, y);
      const awayMs = await timed(lab.do('rebind', 'a', what));
      expect((await heardMore(x, y, 25)) - awayMs).toBeLessThan(SILENCE_MS);
      await meeting.end();
    });

    test.each(['port', 'ip'])('the NAT of the controlled side gets another %s', async (what) => {
      const [x, y] = await pair('b1', 'a1');
      const meeting = await introduce(x, y, { servers, options });
      await play(x, y);
      const awayMs = await timed(lab.do('rebind', 'a', what));
      expect((await heardMore(x, y, 25)) - awayMs).toBeLessThan(SILENCE_MS);
      await meeting.end();
    });

    test('an interface changes its address', async () => {
      const [x, y] = await pair('c1', 'b1');
      const meeting = await introduce(x, y, { servers, options });
      await play(x, y);
      const old = await lab.do('addr', 'c1');
      const next = old.replace(/\d+$/, dialect === 'gns' ? '78' : '77');
      const gateway = old.replace(/\d+$/, '1');
      const script = `ip addr flush dev eth0; ip addr add ${next}/24 dev eth0; ip route replace default via ${gateway}`;
      const awayMs = await timed(lab.do('run', 'c1', 'sh', '-c', script));
      expect((await heardMore(x, y, 25)) - awayMs).toBeLessThan(SILENCE_MS);
      await meeting.end();
      const back = script.replaceAll(next, old);
      await lab.do('run', 'c1', 'sh', '-c', back);
    });
  });
});

/** How long it takes, in milliseconds. */
async function timed(what: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await what;
  return performance.now() - startedAt;
}
