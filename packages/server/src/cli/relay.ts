import type { RestCredential } from 'partyline/protocol/turn';
import { turnLimitDefaults } from 'partyline/protocol/turn-server';
import { createLogger, Metrics, type OperatorHttp, openOperatorHttp } from '../api/index.ts';
import { randomText, systemClock } from '../base/index.ts';
import { printHost } from '../config/index.ts';
import { BehaviorListener, type DiscoveryAddresses } from '../relay/index.ts';
import {
  allocateOnce,
  knocks,
  ownHosts,
  RelayGroup,
  type RelaySettings,
  readRelaySettings,
  selfTest,
  TurnCredentials,
} from '../turn/index.ts';
import type { Terminal } from './main.ts';

const TRIAL_BYTES = 16;

/** `partyline relay`: STUN and TURN alone, until it is interrupted. */
export async function relay(args: readonly string[], terminal: Terminal): Promise<number> {
  const settings = readRelaySettings(args, terminal.env);
  const logger = createLogger({ logLevel: 'info', logFormat: 'pretty' });
  const { secret } = settings;
  const trial = { username: 'selftest', password: randomText(TRIAL_BYTES) };
  const users = new Map([...settings.users, [trial.username, trial.password]]);
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
  const { operator } = settings;
  const operated = operator && (await openOperator(running, operator));
  const discovering = discovery && (await openDiscovery(running, discovery, settings, onError));
  const reload = (): void => {
    try {
      const { tls } = readRelaySettings(args, terminal.env);
      if (tls) running.reloadTls(tls);
      logger.info(tls ? 'certificate read again' : 'there is no certificate to read');
    } catch (error) {
      logger.error({ err: error }, 'the certificate stays as it was');
    }
  };
  process.on('SIGHUP', reload);
  terminal.out(relayBanner(settings, running));
  const over = new AbortController();
  void tellSelfTest(running, trial, over.signal, (line) => terminal.out(`  Self-test ${line}`));
  const signal = await interrupted;
  process.off('SIGHUP', reload);
  over.abort();
  logger.info({ signal }, 'shutting down');
  await discovering?.close();
  await operated?.close();
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

/** @throws ConfigError or the system's error, with the relay closed again */
async function openOperator(
  running: RelayGroup,
  operator: NonNullable<RelaySettings['operator']>,
): Promise<OperatorHttp> {
  try {
    return await openOperatorHttp(operator, {
      metrics: new Metrics({ turn: () => running.stats() }),
      usage: () => running.usage(),
      kick: async (player) => {
        running.endPlayer(player);
        return 0;
      },
    });
  } catch (error) {
    await running.close();
    throw error;
  }
}

/** Comes when it comes: nobody has to wait for addresses that do not answer. */
async function tellSelfTest(
  running: RelayGroup,
  credential: RestCredential,
  over: AbortSignal,
  out: (line: string) => void,
): Promise<void> {
  const { listening: udp, hasTls, relays } = running;
  const all = knocks({ udp, tcp: udp, hasTls, relays });
  for (const line of await selfTest(all, allocateOnce(credential, relays), over)) out(line);
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
