import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { systemClock } from '../base/index.ts';
import { BehaviorListener, type DiscoveryAddresses } from './behavior-listener.ts';

const request = Buffer.from('000100002112a442000000000000000000000000', 'hex');
const options = {
  clock: { ...systemClock, nowMs: () => 1000 }, // no second passes
  perSecond: 5,
  onError: (error: Error) => {
    throw error;
  },
};

/** Free ports on both addresses, found by trying. */
async function open(): Promise<{ listener: BehaviorListener; at: DiscoveryAddresses }> {
  for (;;) {
    const first = createSocket('udp4').bind(0, '127.0.0.1');
    await once(first, 'listening');
    const { port } = first.address();
    await new Promise<void>((done) => first.close(() => done()));
    const at: DiscoveryAddresses = {
      addresses: [
        { host: '127.0.0.1', bindHost: '127.0.0.1' },
        { host: '127.0.0.2', bindHost: '127.0.0.2' },
      ],
      ports: [port, port + 1],
    };
    try {
      return { listener: await BehaviorListener.open(at, options), at };
    } catch {
      // one of the four is taken: other ports
    }
  }
}

test('one address gets so many answers a second, whichever of the four places it asks', async () => {
  const { listener, at } = await open();
  await using _ = listener;
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let answers = 0;
  socket.on('message', () => {
    answers += 1;
  });
  for (let i = 0; i < 40; i++) {
    const host = at.addresses[i % 2 ? 1 : 0].bindHost;
    socket.send(request, at.ports[i % 4 < 2 ? 0 : 1], host);
  }
  // Another address is not affected.
  const last = createSocket('udp4').bind(0, '127.0.0.3');
  await once(last, 'listening');
  last.send(request, at.ports[0], '127.0.0.1');
  await once(last, 'message');
  await expect.poll(() => answers, { timeout: 10_000 }).toBe(5);
  last.send(request, at.ports[1], '127.0.0.2');
  await once(last, 'message');
  expect(answers).toBe(5);
  socket.close();
  last.close();
});

test('a port that is taken: it says so, and leaves nothing open', async () => {
  const { listener, at } = await open();
  await listener.close();
  await listener.close();
  const blocker = createSocket('udp4').bind({
    port: at.ports[1],
    address: '127.0.0.2',
    exclusive: true,
  });
  await once(blocker, 'listening');
  await expect(BehaviorListener.open(at, options)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  blocker.close();
  await once(blocker, 'close');
  await using again = await BehaviorListener.open(at, options);
  expect(again).toBeDefined();
});
