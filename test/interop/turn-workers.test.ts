import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { channelPayload, TurnMethod } from 'partyline/protocol/turn';
import { expect, test } from 'vitest';
import { ControlClient } from '../scenario/control-client.ts';
import { bind, type Credential, channelData, codeOf, TurnProbe } from '../scenario/turn-probe.ts';
import { credentialOf, relayProcess, TurnCommand } from './turn-command.ts';

/** A relay of several processes: what one player has, another one's end does not touch. */

async function allocated(
  credential: Credential,
  transport: 'udp' | 'tcp',
): Promise<{ probe: TurnProbe; at: { host: string; port: number } }> {
  const probe = await TurnProbe.open(credential, transport);
  const at = await probe.allocate();
  if (typeof at === 'number') throw new Error(`allocation refused: ${at}`);
  return { probe, at };
}

/** Two that may send to each other. */
async function pair(one: Credential, two: Credential, transport: 'udp' | 'tcp' = 'udp') {
  const a = await allocated(one, 'udp');
  const b = await allocated(two, transport);
  expect([await bind(a.probe, b.at), await bind(b.probe, a.at)]).toEqual([0, 0]);
  return [a.probe, b.probe] as const;
}

/** Each packet is waited for: a single lost one fails. */
async function stream(from: TurnProbe, to: TurnProbe, packets: number): Promise<void> {
  for (let n = 0; n < packets; n++) {
    const payload = new TextEncoder().encode(`packet ${n}`);
    from.send(channelData(payload));
    expect(channelPayload(await to.next())).toEqual(payload);
  }
}

/** A worker that starts again is there as soon as its port answers. */
async function allocatedAgain(credential: Credential): Promise<TurnProbe> {
  for (;;) {
    const probe = await TurnProbe.open(credential, 'udp');
    const given = await Promise.race([probe.allocate(), sleep(300)]);
    if (typeof given === 'object') return probe;
    probe[Symbol.dispose]();
  }
}

async function workersOf(relay: TurnCommand): Promise<{ ports: number[]; pids: number[] }> {
  const [, ports = ''] = await relay.line(/^listening ([\d ]+)$/);
  const [, pids = ''] = await relay.line(/processes ([\d, ]+), a port each/);
  const numbers = (text: string): number[] => text.split(/[ ,]+/).map(Number);
  return { ports: numbers(ports), pids: numbers(pids) };
}

test('players on two workers reach each other, and quotas are of all workers together', async () => {
  const limits = JSON.stringify({ allocationsPerPlayer: 2 });
  await using relay = relayProcess('--workers', '2', '--limits', limits);
  const { ports } = await workersOf(relay);
  const [first = 0, second = 0] = ports;
  const [a, b] = await pair(credentialOf('alice', first), credentialOf('alice', second));
  await stream(a, b, 50);
  await stream(b, a, 50);
  for (const port of ports) {
    using third = await TurnProbe.open(credentialOf('alice', port), 'udp');
    expect(await third.allocate()).toBe(486);
  }
  a[Symbol.dispose]();
  b[Symbol.dispose]();
});

test('a worker that is killed takes no packet of the others, and comes back', async () => {
  await using relay = relayProcess('--workers', '2');
  const { ports, pids } = await workersOf(relay);
  const [first = 0, second = 0] = ports;
  const [a, b] = await pair(credentialOf('alice', first), credentialOf('bob', first), 'tcp');
  const lost = await allocated(credentialOf('alice', second), 'udp');
  process.kill(pids[1] ?? 0, 'SIGKILL');
  await stream(a, b, 200);
  await relay.line(/relay worker 2 ended \(SIGKILL\)/);
  using again = await allocatedAgain(credentialOf('bob', second));
  await stream(b, a, 200);
  // The new worker is known to the old one: they reach each other.
  const at = await allocated(credentialOf('bob', second), 'udp');
  const other = await allocated(credentialOf('alice', first), 'udp');
  expect([await bind(at.probe, other.at), await bind(other.probe, at.at)]).toEqual([0, 0]);
  await stream(at.probe, other.probe, 20);
  // Nobody gets the ports of those who are gone, for peers may still send there.
  expect(at.at.port).not.toBe(lost.at.port);
  for (const probe of [a, b, lost.probe, at.probe, other.probe]) probe[Symbol.dispose]();
  expect(again.frames).toEqual([]);
});

test('SIGTERM ends every worker', async () => {
  const relay = relayProcess('--workers', '3');
  const { pids } = await workersOf(relay);
  expect(pids).toHaveLength(3);
  await relay[Symbol.asyncDispose]();
  await expect.poll(() => pids.filter(isAlive)).toEqual([]);
});

test('in serve: one player’s UDP is one worker’s, streams are the server’s, and a logout ends both', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'workers-'));
  const turn = JSON.stringify({ workers: 2, ports: { min: 22_000, max: 22_399 } });
  const options = ['--app', 'arena', '--data-dir', dataDir, '--log-format', 'json'];
  await using server = new TurnCommand([
    'serve',
    ...options,
    '--listen',
    '127.0.0.1:0',
    '--turn',
    turn,
  ]);
  const [, url = ''] = await server.line(/"url":"(http:[^"]+)"/);
  const dial = url.replace('localhost', '127.0.0.1');
  const alice = await ControlClient.open(dial);
  const bob = await ControlClient.open(dial);
  await alice.login();
  await bob.login();
  const ofAlice: Credential = await alice.call('session.iceServers', {});
  const again: Credential = await alice.call('session.iceServers', {});
  expect(again.urls).toEqual(ofAlice.urls);
  const [a, b] = await pair(ofAlice, await bob.call('session.iceServers', {}), 'tcp');
  await stream(a, b, 50);
  await stream(b, a, 50);
  using other = await TurnProbe.open(ofAlice, 'udp');
  expect(await other.allocate()).toMatchObject({ host: '127.0.0.1' });
  await alice.call('session.logout', {});
  const refresh = async (): Promise<number> => codeOf(await a.ask(TurnMethod.Refresh, () => []));
  await expect.poll(refresh, { timeout: 5000 }).toBe(401);
  for (const probe of [a, b]) probe[Symbol.dispose]();
  rmSync(dataDir, { recursive: true, force: true });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
