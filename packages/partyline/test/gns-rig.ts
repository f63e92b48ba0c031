import type { Core } from '../src/base/index.ts';
import { createNobleCrypto } from '../src/crypto/index.ts';
import { nobleSealing } from '../src/crypto/sealing/index.ts';
import {
  type AddressKind,
  type EndpointOptions,
  type GnsConnection,
  type GnsCrypto,
  GnsEndpoint,
  type GnsEvent,
  type GnsOptions,
  type LocalIdentity,
  selfMadeIdentity,
} from '../src/gns/index.ts';
import { type LinkConditions, mulberry32, SimNetwork, seededBytes } from '../src/testing/index.ts';

export const crypto: GnsCrypto = {
  ...createNobleCrypto({ randomBytes: seededBytes(1) }),
  ...nobleSealing,
};
export const EPOCH_MS: number = 1_767_225_600_000;

/** The simulated network's addresses are `a` and `b`. */
const simAddresses: AddressKind<string> = {
  table: <T>() => new Map<string, T>(),
  text: (address) => address,
  identity: (address) => `ip:10.0.0.${address.charCodeAt(0)}:1000`,
  isLoopback: () => false,
};

export interface Pair {
  readonly net: SimNetwork<GnsEvent, GnsEvent>;
  readonly client: GnsEndpoint<string>;
  readonly server: GnsEndpoint<string>;
  readonly connection: GnsConnection;
  /** The server's side, once it was asked. */
  incoming(): GnsConnection;
}

export interface PairOptions {
  readonly clientOptions?: GnsOptions;
  readonly serverOptions?: GnsOptions;
  readonly clientIdentity?: LocalIdentity;
  readonly serverIdentity?: LocalIdentity;
  readonly expect?: string;
  readonly link?: LinkConditions;
  readonly seed?: number;
  readonly endpoint?: EndpointOptions;
}

export function endpoint(
  local: LocalIdentity,
  options: EndpointOptions,
  itsCrypto: GnsCrypto = crypto,
): GnsEndpoint<string> {
  const random = mulberry32(1);
  const setup = { crypto: itsCrypto, local, addresses: simAddresses, epochMs: EPOCH_MS, random };
  return new GnsEndpoint(setup, options);
}

export function pair(options: PairOptions = {}): Pair {
  const { clientOptions = {}, serverOptions = {} } = options;
  const client = endpoint(options.clientIdentity ?? selfMadeIdentity(crypto, 'str:alice'), {
    config: clientOptions,
  });
  const server = endpoint(options.serverIdentity ?? selfMadeIdentity(crypto, 'str:bob'), {
    config: serverOptions,
    isListening: true,
    ...options.endpoint,
  });
  const expected = options.expect === undefined ? {} : { identity: options.expect };
  const connection = client.connect(0, 'b', expected);
  const net = new SimNetwork(client, server, { latencyMs: 10, ...options.link }, options.seed);
  const incoming = (): GnsConnection => {
    const event = net.eventsB.find(({ type }) => type === 'incoming');
    if (event === undefined) throw new Error('nobody came');
    return event.connection;
  };
  return { net, client, server, connection, incoming };
}

export function connected(options: PairOptions = {}): Pair {
  const made = pair(options);
  while (!made.net.eventsB.some(({ type }) => type === 'incoming')) pass(made.net, 100);
  if (!made.server.accept(made.net.now, made.incoming())) throw new Error('it was not accepted');
  for (let i = 0; i < 50 && made.connection.state === 'connecting'; i++) pass(made.net, 100);
  return made;
}

/** Time goes on even when nothing happens in it. */
export function pass(net: SimNetwork<GnsEvent, GnsEvent | undefined>, ms: number): void {
  const until = net.now + ms;
  net.run(until);
  net.now = until;
}

export function drain(connection: GnsConnection, now: number): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let m = connection.receive(now); m; m = connection.receive(now)) messages.push(m.bytes);
  return messages;
}

/** A peer that is gone. */
export const silent: Core<string, GnsEvent> = {
  handleDatagram: () => {},
  handleTimeout: () => {},
  pollTransmit: () => undefined,
  pollEvent: (): GnsEvent | undefined => undefined,
  pollTimeout: () => undefined,
};
