import { systemClock } from '../../../base/index.ts';
import { printHost } from '../../../config/index.ts';
import { TrivialListener } from '../../../rendezvous/index.ts';
import type { Terminal } from '../../main.ts';
import { readTarget } from '../options.ts';

const DEFAULT_ADDRESS = '127.0.0.1:10000';

/** `partyline gns signaling [HOST:PORT]`: GNS's trivial signaling server, until it is interrupted. */
export async function serveSignaling(args: readonly string[], terminal: Terminal): Promise<number> {
  const { host, port } = readTarget('listen', args[0] ?? DEFAULT_ADDRESS, '127.0.0.1');
  const listener = await TrivialListener.open(host, port, { clock: systemClock });
  terminal.out(
    `Signaling on ${printHost(host)}:${listener.port}. Names are believed: keep strangers out.`,
  );
  await terminal.interrupted();
  const { forwarded, dropped } = listener.stats();
  await listener.close();
  terminal.out(`Forwarded ${forwarded} signals, dropped ${dropped}.`);
  return 0;
}
