import { turnLimitDefaults } from 'partyline/protocol/turn-server';
import { createLogger } from '../api/index.ts';
import { systemClock } from '../base/index.ts';
import { printHost } from '../config/index.ts';
import { BehaviorListener, type DiscoveryAddresses } from '../relay/index.ts';
import {
  ownHosts,
  RelayGroup,
  type RelaySettings,
  readRelaySettings,
  TurnCredentials,
} from '../turn/index.ts';
import type { Terminal } from './main.ts';

/** `partyline relay`: STUN and TURN alone, until it is interrupted. */
export async function relay(args: readonly string[], terminal: Terminal): Promise<number> {
  const settings = readRelaySettings(args, terminal.env);
  const logger = createLogger({ logLevel: 'info', logFormat: 'pretty' });
  const { users, secret } = settings;
  const credentials = new TurnCredentials(systemClock, { users, secret });
  const interrupted = terminal.interrupted();
  const { discovery } = settings;
  const onError = (error: Error): void => logger.error({ err: error }, 'relay socket failed');
  const running = await RelayGroup.open({
    ...{ clock: systemClock, credentials, users, secret, isSessionBound: false },
    ...{ listen: settings.listen, tcp: 'listen', tls: settings.tls },
    ownPorts: discovery?.ports ?? [],
    ...{ ports: settings.ports, workers: settings.workers, takesStreams: false },
    rules: {
      realm: settings.realm,
      relays: settings.relays,
      allowPeers: settings.allowPeers,
      denyPeers: settings.denyPeers,
      ownHosts: ownHosts(),
      limits: settings.limits,
    },
    report: (message) => logger.warn(message),
    onError,
  });
  const discovering = discovery && (await openDiscovery(running, discovery, settings, onError));
  const reload = (): void => {
    try {
      const { tls } = readRelaySettings(args, terminal.env);
      if (tls) running.reloadTls(tls);
      logger.info({ tls: tls !== undefined }, 'certificate read again');
    } catch (error) {
      logger.error({ err: error }, 'the certificate stays as it was');
    }
  };
  process.on('SIGHUP', reload);
  terminal.out(relayBanner(settings, running));
  const signal = await interrupted;
  process.off('SIGHUP', reload);
  logger.info({ signal }, 'shutting down');
  await discovering?.close();
  await running.close();
  return 0;
}

/** @throws the system's error, with the relay closed again */
async function openDiscovery(
  running: RelayGroup,
  discovery: DiscoveryAddresses,
  { limits }: RelaySettings,
  onError: (error: Error) => void,
): Promise<BehaviorListener> {
  const perSecond = limits.bindingsPerSecond ?? turnLimitDefaults.bindingsPerSecond;
  try {
    return await BehaviorListener.open(discovery, { clock: systemClock, perSecond, onError });
  } catch (error) {
    await running.close();
    throw error;
  }
}

function relayBanner(
  { listen, relays, discovery, ports: { min, max } }: RelaySettings,
  { ports, pids, hasTls }: RelayGroup,
): string {
  const heard = listen.map(({ host }) => `${printHost(host)}:${ports.join(', ')}`).join(', ');
  const sent = relays.map(({ host, bindHost }) =>
    host === bindHost ? host : `${host} (here ${bindHost})`,
  );
  const lines = [
    `listening ${ports.join(' ')}`,
    `  Clients   ${heard} (UDP, TCP${hasTls ? ', TLS' : ''})`,
    `  Peers     ${sent.join(', ')}, UDP ports ${min} to ${max}`,
  ];
  if (pids.length > 0) lines.push(`  Workers   processes ${pids.join(', ')}, a port each`);
  if (discovery) lines.push(`  Discovery ${discoveryLine(discovery)}`);
  return lines.join('\n');
}

function discoveryLine({ addresses, ports }: DiscoveryAddresses): string {
  const hosts = addresses.map(({ host }) => printHost(host)).join(' and ');
  return `${hosts}, UDP ports ${ports.join(' and ')}`;
}
