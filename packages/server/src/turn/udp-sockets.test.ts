import { once } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { bindUdp, openUdp, sendUdp } from './udp-sockets.ts';

const nobody = (): void => {};

describe('a UDP socket', () => {
  test('hears what is sent to its port', async () => {
    const received = vi.fn();
    const socket = await openUdp('127.0.0.1', 0, received, nobody);
    const heard = once(socket, 'message');
    const { port } = socket.address();
    socket.send(Uint8Array.of(1, 2), port, '127.0.0.1');
    await heard;
    expect(received).toHaveBeenCalledWith(Buffer.of(1, 2), expect.objectContaining({ port }));
    socket.close();
  });

  test('says of what is sent whether it still waits', async () => {
    const socket = await openUdp('127.0.0.1', 0, nobody, nobody);
    const { port } = socket.address();
    expect(sendUdp(socket, Uint8Array.of(1), port, '127.0.0.1')).toBe(false);
    vi.spyOn(socket, 'getSendQueueCount').mockReturnValue(1);
    expect(sendUdp(socket, Uint8Array.of(1), port, '127.0.0.1')).toBe(true);
    socket.close();
  });

  test.each(['127.0.0.1', '::1'])('at %s never shares its port', async (host) => {
    const first = await openUdp(host, 0, nobody, nobody);
    const { port } = first.address();
    await expect(openUdp(host, port, nobody, nobody)).rejects.toThrow(/EADDRINUSE/);
    first.close();
  });

  test('that failed is never said to be open', async () => {
    const first = await openUdp('127.0.0.1', 0, nobody, nobody);
    const opened = vi.fn();
    const error = await new Promise<Error>((failed) =>
      bindUdp('127.0.0.1', first.address().port, {
        opened,
        failed,
        received: nobody,
        onError: nobody,
      }),
    );
    expect(error).toMatchObject({ code: 'EADDRINUSE' });
    expect(opened).not.toHaveBeenCalled();
    first.close();
  });

  test('that is open tells its errors, and stays open', async () => {
    const onError = vi.fn();
    const socket = await openUdp('127.0.0.1', 0, nobody, onError);
    const error = new Error('of the system');
    socket.emit('error', error);
    expect(onError).toHaveBeenCalledWith(error);
    expect(socket.address().port).toBeGreaterThan(0);
    socket.close();
  });
});
