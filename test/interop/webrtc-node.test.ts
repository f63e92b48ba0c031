import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { nodePair } from './webrtc-node-pair.ts';

test('30 opens in a row: none takes half a second, each is verified', async () => {
  const timesMs: number[] = [];
  for (let n = 0; n < 30; n++) {
    const start = performance.now();
    const [a, b] = nodePair();
    await Promise.all([a.opened, b.opened]);
    timesMs.push(performance.now() - start);
    a.session.close();
    await b.closed;
  }
  expect(timesMs.filter((ms) => ms > 500)).toEqual([]);
});

test('reliable packets arrive whole, once and in order; the candidates are told', async () => {
  const [a, b] = nodePair();
  await Promise.all([a.opened, b.opened]);
  const count = 5000;
  for (let n = 0; n < count; ) {
    const packet = new Uint8Array(400);
    new DataView(packet.buffer).setUint32(0, n);
    if (a.session.send(packet, true)) n += 1;
    else {
      await new Promise<void>((resolve) => {
        a.onWritable = resolve;
      });
    }
  }
  await expect.poll(() => b.received.length).toBe(count);
  const order = b.received.map((bytes) => new DataView(bytes.buffer).getUint32(0));
  expect(order).toEqual(Array.from({ length: count }, (_, n) => n));
  expect(await a.session.candidateTypes()).toMatchObject({ protocol: 'udp' });
  a.session.close();
  expect(await b.closed).toMatch(/gave up|closed/);
});

test('20 programs open, talk, close mid-flow, and end by themselves with code 0', async () => {
  const program = fileURLToPath(new URL('webrtc-open-and-close.ts', import.meta.url));
  for (let n = 0; n < 20; n++) {
    const child = spawn(process.execPath, ['--import', 'tsx', program], {
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: 20_000,
    });
    const [code, signal] = await once(child, 'exit');
    expect({ code, signal }).toEqual({ code: 0, signal: null });
  }
});
