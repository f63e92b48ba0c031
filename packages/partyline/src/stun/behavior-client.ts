import { DecodeError, NetError, type Scheduler } from '../base/index.ts';
import type { Crypto } from '../crypto/index.ts';
import {
  decodeMappedAddress,
  decodeXorMappedAddress,
  findAttribute,
  type StunAddress,
  StunAttributeType,
} from './attributes.ts';
import { BehaviorAttributeType, changeRequest } from './behavior-attributes.ts';
import { BINDING_METHOD, encodeStun, readStun, StunClass, type StunMessage } from './message.ts';
import type { StunTransactionOptions } from './options.ts';
import { StunTransactionTable } from './transaction-table.ts';

/** RFC 4787 §4.1 and §5: what the mapping of an inner address, or the filter before it, goes by. */
export type NatDependence = 'endpointIndependent' | 'addressDependent' | 'addressAndPortDependent';

/** What stands between us and the internet, as far as a server with two addresses can tell. */
export interface NatBehavior {
  /** Our address, as the server sees it. */
  readonly mapped: StunAddress;
  /** `none`: nothing rewrites our address. `undefined`: the server has not two addresses. */
  readonly mapping: NatDependence | 'none' | undefined;
  /** Who gets through to us; `undefined` as with `mapping`. */
  readonly filtering: NatDependence | undefined;
  /** Something on the way changes addresses inside of datagrams: RFC 5780 §3.5. */
  readonly rewritesPayload: boolean;
}

export interface BehaviorSocket {
  send(to: StunAddress, bytes: Uint8Array): void;
  close(): void;
}

/** The machine's UDP sockets, on any free port. */
export interface BehaviorSockets {
  open(onDatagram: (bytes: Uint8Array, from: StunAddress) => void): Promise<BehaviorSocket>;
}

export interface NatBehaviorOptions {
  /** Numeric: the first address and port of a server that speaks RFC 5780. */
  readonly server: StunAddress;
  readonly sockets: BehaviorSockets;
  /** Addresses of this machine, to tell that there is no NAT. */
  readonly ownHosts: readonly string[];
  readonly crypto: Pick<Crypto, 'randomBytes'>;
  readonly scheduler: Scheduler;
  /** How long a test waits: silence is an answer too. Default 4 requests from 250 ms on, 3 s in all. */
  readonly timing?: StunTransactionOptions;
}

const impatient = { initialRtoMs: 250, maxRequests: 4, lastWaitFactor: 5 };

/**
 * How the NAT in front of us maps and filters: RFC 5780 §4.3 and §4.4. Takes a few round trips, and
 * about 6 s where much is filtered. That the path loses datagrams can look like a filter.
 * @throws NetError `STUN_TIMEOUT` when the server does not answer at all
 */
export async function discoverNatBehavior(options: NatBehaviorOptions): Promise<NatBehavior> {
  const first = await Prober.open(options);
  try {
    const answer = await first.ask(options.server);
    if (!answer) throw new NetError('STUN_TIMEOUT', 'the STUN server does not answer');
    const { mapped, plain, other } = answer;
    const rewritesPayload = plain !== undefined && !isSameAddress(plain, mapped);
    if (!other) return { mapped, mapping: undefined, filtering: undefined, rewritesPayload };
    const mapping = await mappingOf(first, options, mapped, other);
    const filtering = await filteringOf(options);
    return { mapped, mapping, filtering, rewritesPayload };
  } finally {
    first.close();
  }
}

/** RFC 5780 §4.3, tests II and III. */
async function mappingOf(
  prober: Prober,
  { server, ownHosts }: NatBehaviorOptions,
  mapped: StunAddress,
  other: StunAddress,
): Promise<NatBehavior['mapping']> {
  if (ownHosts.includes(mapped.host)) return 'none';
  const second = await prober.ask({ host: other.host, port: server.port });
  if (!second) return undefined;
  if (isSameAddress(second.mapped, mapped)) return 'endpointIndependent';
  const third = await prober.ask(other);
  if (!third) return undefined;
  const isSame = isSameAddress(third.mapped, second.mapped);
  return isSame ? 'addressDependent' : 'addressAndPortDependent';
}

/** RFC 5780 §4.4, from a port that has spoken to the server's first place alone. */
async function filteringOf(options: NatBehaviorOptions): Promise<NatDependence | undefined> {
  const prober = await Prober.open(options);
  try {
    if (!(await prober.ask(options.server))) return undefined;
    const otherPort = true;
    if (await prober.ask(options.server, { otherAddress: true, otherPort })) {
      return 'endpointIndependent';
    }
    const fromOtherPort = await prober.ask(options.server, { otherAddress: false, otherPort });
    return fromOtherPort ? 'addressDependent' : 'addressAndPortDependent';
  } finally {
    prober.close();
  }
}

interface BehaviorReport {
  readonly mapped: StunAddress;
  /** The same not hidden, where the server says it. */
  readonly plain: StunAddress | undefined;
  readonly other: StunAddress | undefined;
}

/** Binding requests from one socket. */
class Prober {
  readonly #socket: BehaviorSocket;
  readonly #options: NatBehaviorOptions;
  readonly #tables = new Set<StunTransactionTable>();

  static async open(options: NatBehaviorOptions): Promise<Prober> {
    let prober: Prober | undefined;
    const socket = await options.sockets.open((bytes) => prober?.handleDatagram(bytes));
    prober = new Prober(socket, options);
    return prober;
  }

  private constructor(socket: BehaviorSocket, options: NatBehaviorOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /** `undefined`: no answer. */
  ask(
    to: StunAddress,
    change?: Parameters<typeof changeRequest>[0],
  ): Promise<BehaviorReport | undefined> {
    const { crypto, scheduler, timing = impatient } = this.#options;
    const transactionId = crypto.randomBytes(12);
    const bytes = encodeStun({
      class: StunClass.Request,
      method: BINDING_METHOD,
      transactionId,
      attributes: change ? [changeRequest(change)] : [],
    });
    const send = (request: Uint8Array): void => this.#socket.send(to, request);
    const table = new StunTransactionTable(scheduler, send, { ...timing, isReliable: false });
    this.#tables.add(table);
    return new Promise((resolve) => {
      table.begin({
        transactionId,
        bytes,
        onAnswer: (message) => {
          const report = readReport(message);
          if (!report) return false;
          table.close();
          resolve(report);
          return true;
        },
        onTimeout: () => resolve(undefined),
      });
    });
  }

  handleDatagram(bytes: Uint8Array): void {
    const message = readStun(bytes);
    if (!message || message.class < StunClass.Success) return;
    for (const table of this.#tables) table.handleResponse(message, bytes);
  }

  close(): void {
    for (const table of this.#tables) table.close();
    this.#socket.close();
  }
}

/** `undefined` for what is no success with an address in it. */
function readReport(message: StunMessage): BehaviorReport | undefined {
  const hidden = findAttribute(message, StunAttributeType.XorMappedAddress);
  if (message.class !== StunClass.Success || !hidden) return undefined;
  const plain = findAttribute(message, StunAttributeType.MappedAddress);
  const other = findAttribute(message, BehaviorAttributeType.OtherAddress);
  try {
    return {
      mapped: decodeXorMappedAddress(hidden, message.transactionId),
      plain: plain && decodeMappedAddress(plain),
      other: other && decodeMappedAddress(other),
    };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function isSameAddress(a: StunAddress, b: StunAddress): boolean {
  return a.host === b.host && a.port === b.port;
}
