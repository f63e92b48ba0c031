import type { Connection, ConnectionRoute } from 'partyline/node';
import { printHost } from '../../../config/index.ts';

/** GNS tells a close three times within 1000 ms; then nobody is there. */
const PATIENCE_MS = 1600;

/** As GNS's test_p2p prints it: a relayed peer has no address. */
export function printRoute(route: ConnectionRoute | undefined): { addr: string; type: string } {
  if (route === undefined) return { addr: '[::]:0', type: 'none' };
  const { type, address } = route;
  const addr = type === 'relay' ? '[::]:0' : `${printHost(address.host)}:${address.port}`;
  return { addr, type };
}

/** Settles when the peer has confirmed the end, at the latest after our repeats. */
export async function untilGone(connection: Connection): Promise<void> {
  if (connection.state === 'dead') return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, PATIENCE_MS);
    connection.events.on('stateChanged', ({ state }) => {
      if (state !== 'dead') return;
      clearTimeout(timer);
      resolve();
    });
  });
}
