import { Socket } from 'node:dgram';
import { encodeStun, StunClass } from 'partyline/protocol/stun';
import { expect, test, vi } from 'vitest';
import { ManualClock } from '../base/index.ts';
import { StunListener } from './index.ts';

test('RFC 768: a request from port 0 wants no answer; sending one would throw', async () => {
  const bind = vi.spyOn(Socket.prototype, 'bind');
  const clock = new ManualClock();
  const options = { clock, perSecond: 10, onError: () => {} };
  await using listener = await StunListener.open('127.0.0.1', 0, options);
  const socket = bind.mock.contexts[0] as Socket; // what `bind` was called on
  bind.mockRestore();
  const transactionId = new Uint8Array(12);
  const request = encodeStun({
    class: StunClass.Request,
    method: 1,
    transactionId,
    attributes: [],
  });
  const from = { address: '127.0.0.1', family: 'IPv4', port: 0, size: request.length };
  socket.emit('message', Buffer.from(request), from);
  expect(listener.stats).toEqual({ answered: 0, ignored: 1, rateLimited: 0 });
});
