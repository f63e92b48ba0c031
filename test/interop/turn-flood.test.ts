import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeStun, StunClass } from 'partyline/protocol/stun';
import { requestedTransport, TRANSPORT_UDP, TurnMethod } from 'partyline/protocol/turn';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bind, type Credential, channelData, TurnProbe } from '../scenario/turn-probe.ts';

const command = new URL('../../packages/server/bin/partyline.js', import.meta.url).pathname;
let child: ChildProcess;
let port = 0;

beforeAll(async () => {
  const where = ['--listen', '127.0.0.1:0', '--relay-address', '127.0.0.1'];
  child = spawn('node', [command, 'relay', ...where, '--user', 'alice:wonderland'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (!child.stdout) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) {
    port = Number(/^listening (\d+)/.exec(line)?.[1]);
    break;
  }
  child.stdout.resume();
});

afterAll(() => {
  child?.kill('SIGKILL');
});

test('a flood of strangers: those who play keep 95 of 100 packets, and memory stays flat', async () => {
  const credential: Credential = {
    urls: [`turn:127.0.0.1:${port}?transport=udp`],
    username: 'alice',
    credential: 'wonderland',
    ttlSec: 600,
  };
  using a = await TurnProbe.open(credential, 'udp');
  using b = await TurnProbe.open(credential, 'udp');
  const toA = await a.allocate();
  const toB = await b.allocate();
  if (typeof toA === 'number' || typeof toB === 'number') throw new Error('no allocation');
  expect([await bind(a, toB), await bind(b, toA)]).toEqual([0, 0]);

  const strangers = await Promise.all(Array.from({ length: 16 }, openStranger));
  const flood = floodOf(strangers);
  await flood.run(500); // what a flood costs once is paid
  const before = residentBytes();
  const count = 1000;
  const flooding = flood.run(4000);
  for (let sent = 0; sent < count; sent++) {
    a.send(channelData(new Uint8Array(100)));
    if (sent % 5 === 0) await sleep(15);
  }
  await flooding;
  await sleep(200);
  for (const stranger of strangers) stranger.close();
  expect(flood.sent()).toBeGreaterThan(20_000);
  expect(b.frames.length).toBeGreaterThanOrEqual(0.95 * count);
  expect(residentBytes() - before).toBeLessThan(32 * 1_048_576);
}, 60_000);

async function openStranger(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** Allocations without a password, bindings, data for nobody, and noise, in turn from all sockets. */
function floodOf(sockets: readonly Socket[]): {
  run(durationMs: number): Promise<void>;
  sent(): number;
} {
  const request = (method: number): Uint8Array =>
    encodeStun({
      class: StunClass.Request,
      method,
      transactionId: new Uint8Array(12).fill(method),
      attributes: [requestedTransport(TRANSPORT_UDP)],
    });
  const noise = Uint8Array.from({ length: 60 }, (_, i) => (i * 97) & 0xff);
  const kinds = [request(TurnMethod.Allocate), request(1), channelData(noise), noise];
  let sent = 0;
  return {
    sent: () => sent,
    run: async (durationMs) => {
      for (const until = Date.now() + durationMs; Date.now() < until; ) {
        for (let i = 0; i < 64; i++) {
          const bytes = kinds[sent % kinds.length] ?? noise;
          sockets[(sent >> 2) % sockets.length]?.send(bytes, port, '127.0.0.1');
          sent++;
        }
        await sleep(5);
      }
    },
  };
}

function residentBytes(): number {
  const [, pages = '0'] = readFileSync(`/proc/${child.pid}/statm`, 'utf8').split(' ');
  return Number(pages) * 4096;
}
