import { type Connection, GnsSockets, type GnsSocketsOptions } from 'partyline/node';
import { NativePeer, NativeState } from './gns-native.ts';

/** Which of the two dials. */
export type Seat = 'native dials us' | 'we dial native';
export const seats: readonly Seat[] = ['native dials us', 'we dial native'];

export interface SeatOptions {
  readonly sockets?: GnsSocketsOptions;
  readonly prepare?: (native: NativePeer) => Promise<void>;
  readonly host?: string;
}

export interface Seated extends AsyncDisposable {
  readonly ours: Connection;
  readonly native: NativePeer;
  /** The native peer's handle of the connection. */
  readonly conn: number;
}

/** A connection between us and the native peer, in either seat. */
export async function sit(seat: Seat, options: SeatOptions = {}): Promise<Seated> {
  const { host = '127.0.0.1' } = options;
  const native = await NativePeer.start('str:native');
  await options.prepare?.(native);
  const sockets = new GnsSockets({ identity: 'str:ours', ...options.sockets });
  const end = async (): Promise<void> => {
    await sockets.close();
    await native[Symbol.asyncDispose]();
  };
  try {
    const made = await (seat === 'we dial native' ? weDial : nativeDials)(native, sockets, host);
    return { ...made, native, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function weDial(
  native: NativePeer,
  sockets: GnsSockets,
  host: string,
): Promise<Pick<Seated, 'ours' | 'conn'>> {
  const port = await native.listen(host.includes(':') ? `[${host}]:0` : `${host}:0`);
  const ours = await sockets.connect({ host, port });
  const state = await native.next('state', { new: NativeState.Connected });
  return { ours, conn: Number(state.conn) };
}

async function nativeDials(
  native: NativePeer,
  sockets: GnsSockets,
  host: string,
): Promise<Pick<Seated, 'ours' | 'conn'>> {
  const listening = await sockets.listen({ host });
  const came = new Promise<Connection>((resolve) => {
    listening.events.on('incoming', (incoming) => {
      listening.accept(incoming);
      resolve(incoming);
    });
  });
  const conn = await native.dial(listening.address.port, host);
  await native.next('state', { conn, new: NativeState.Connected });
  return { ours: await came, conn };
}

/** Waits for the next message. */
export async function receiveOne(connection: Connection): Promise<Uint8Array> {
  for (;;) {
    const message = connection.receive();
    if (message !== undefined) return message.bytes;
    await new Promise<void>((resolve) =>
      connection.events.on('readable', () => resolve(), { once: true }),
    );
  }
}

/** Until `isDone`; the event loop goes on meanwhile. */
export async function until(isDone: () => boolean, timeoutMs = 30_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!isDone()) {
    if (performance.now() > end) throw new Error('it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
