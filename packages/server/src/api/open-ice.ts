import type { Clock } from '../base/index.ts';
import { type Config, type ListenAddress, parseListenAddress, printHost } from '../config/index.ts';
import { StunListener } from '../relay/index.ts';
import {
  allocateOnce,
  knocks,
  openTurn,
  type RelayGroup,
  selfTest,
  TurnService,
} from '../turn/index.ts';
import type { ServerLogger } from './logger.ts';

/** TURN as it runs. */
export interface OpenTurn {
  readonly service: TurnService;
  readonly relay: RelayGroup | undefined;
  /** Tries every way to it that this machine has, and says in words what came of it. */
  selfTest(signal: AbortSignal): Promise<string[]>;
}

/** The relay of this configuration; `undefined` when it is off. @throws ConfigError, or the system's error */
export async function openTurnService(
  config: Config,
  http: ListenAddress,
  clock: Clock,
  logger: ServerLogger,
): Promise<OpenTurn | undefined> {
  const onError = (error: Error): void => logger.error({ err: error }, 'TURN socket failed');
  const report = (message: string): void => logger.warn(message);
  const opened = await withFreePort(config, http, (udp) =>
    openTurn(config, udp, http.port, { clock, onError, report }),
  );
  if (!opened) return undefined;
  const { credentials, relay } = opened;
  const urls = (localAddress: string, player: string): readonly string[] => {
    if (!relay) return config.turn.urls;
    const host = iceHost(config, localAddress);
    // With TLS the same port takes both; what a firewall lets through is TLS, and each URL costs an allocation.
    const scheme = config.tlsCert === undefined ? 'turn' : 'turns';
    const streams = `${scheme}:${host}:${http.port}?transport=tcp`;
    const udp = relay.portOf(player);
    // No worker runs for this moment: streams are this process's.
    return udp === 0 ? [streams] : [`turn:${host}:${udp}?transport=udp`, streams];
  };
  const { ttlSec } = config.turn;
  const holdMs = config.seatHoldMs;
  const service = new TurnService({ clock, credentials, relay, urls, ttlSec, holdMs });
  return {
    service,
    relay,
    selfTest: (signal) => testRelay(config, http, { service, relay }, signal),
  };
}

/** STUN alone, where there is no relay to answer it. */
export async function openStun(
  config: Config,
  http: ListenAddress,
  clock: Clock,
  logger: ServerLogger,
): Promise<StunListener | undefined> {
  if (config.stun === 'off') return undefined;
  const options = {
    clock,
    perSecond: config.limits.stunPerSecond,
    onError: (error: Error): void => logger.error({ err: error }, 'STUN socket failed'),
  };
  return withFreePort(config, http, ({ host, port }) => StunListener.open(host, port, options));
}

/** Where UDP is heard, as configured; with `same` and a port that nobody asked for, any other will do. */
async function withFreePort<T>(
  { listen, stun }: Config,
  http: ListenAddress,
  open: (address: ListenAddress) => Promise<T>,
): Promise<T> {
  const isSame = stun === 'same' || stun === 'off';
  const address = isSame ? http : addressOf(stun);
  try {
    return await open(address);
  } catch (error) {
    // What TCP had free, UDP may have taken.
    if (!isSame || addressOf(listen).port !== 0) throw error;
    return open({ ...address, port: 0 });
  }
}

/** With a public URL its host; else the address by which this client reached us. */
export function iceHost({ publicUrl }: Config, localAddress: string): string {
  if (publicUrl !== undefined) return new URL(publicUrl).hostname;
  return printHost(localAddress.replace(/^::ffff:(?=\d+\.)/i, ''));
}

async function testRelay(
  config: Config,
  http: ListenAddress,
  { service, relay }: Pick<OpenTurn, 'service' | 'relay'>,
  signal: AbortSignal,
): Promise<string[]> {
  if (!relay) return [`the relay is another program: ${config.turn.urls.join(', ')}`];
  const all = knocks({
    udp: relay.listening,
    tcp: [http],
    hasTls: config.tlsCert !== undefined,
    relays: relay.relays,
  });
  try {
    return await selfTest(all, allocateOnce(service.issueTrial(), relay.relays), signal);
  } finally {
    service.endTrial();
  }
}

/** Of a setting that the schema has checked. */
export function addressOf(text: string): ListenAddress {
  const address = parseListenAddress(text);
  if (!address) throw new Error(`the schema let ${text} through`);
  return address;
}
