import type { Millis } from '../base/index.ts';
import { GnsConfig } from './config.ts';
import { GnsConnection } from './connection.ts';
import { EndReason } from './end-reason.ts';
import type { EndpointCounts } from './endpoint-options.ts';
import {
  checkRemote,
  type GnsCrypto,
  HandshakeRefusal,
  type LocalIdentity,
  type RemoteChecks,
} from './handshake.ts';
import type { Members, NewMember } from './members.ts';
import {
  type ConnectRequest,
  decodeConnectionClosed,
  encodeConnectionClosed,
  encodeNoConnection,
} from './messages.ts';
import { ciphersOf } from './options.ts';
import type { Outlet } from './outlet.ts';
import { DATA_PACKET, PacketType } from './protocol.ts';
import { ServerHandshake } from './server-handshake.ts';
import { SpareShare } from './spare-share.ts';

export interface AdmissionSetup<Address> {
  readonly crypto: GnsCrypto;
  readonly local: LocalIdentity;
  readonly maxHandshakesPerSecond: number;
  readonly counts: EndpointCounts;
  readonly members: Members<Address>;
  readonly outlet: Outlet<Address>;
  /** Is there room for one more connection? */
  readonly hasRoom: () => boolean;
  /** What incoming connections inherit. */
  readonly config: GnsConfig;
  readonly checks: (now: Millis, address: Address) => RemoteChecks;
  readonly addressText: (address: Address) => string;
}

const MAX_PING_ESTIMATE_MS = 1500;

/** What an endpoint does with datagrams of strangers: who may become a connection. */
export class Admission<Address> {
  isListening: boolean;
  readonly #spare: SpareShare;
  readonly #setup: AdmissionSetup<Address>;
  /** Made for the first who asks: an endpoint that only dials needs none. */
  #madeHandshake: ServerHandshake | undefined;

  constructor(setup: AdmissionSetup<Address>, isListening: boolean) {
    this.#setup = setup;
    this.isListening = isListening;
    this.#spare = new SpareShare(setup.crypto, setup.local);
  }

  get #handshake(): ServerHandshake {
    const { crypto, maxHandshakesPerSecond } = this.#setup;
    this.#madeHandshake ??= new ServerHandshake(crypto, maxHandshakesPerSecond);
    return this.#madeHandshake;
  }

  /** Clients are expected and no share is ready, or the other way round. */
  get isUnprepared(): boolean {
    return this.isListening !== this.#spare.isReady;
  }

  /** Makes what the next client would have to wait for. */
  prepare(): void {
    if (!this.isListening) {
      this.#spare.clear();
    } else if (!this.#spare.isReady) {
      const [preferred] = ciphersOf(this.#setup.config.values.unencrypted);
      if (preferred !== undefined) this.#spare.refill(preferred);
    }
  }

  /** Takes a datagram from an address without a connection; returns the one it leads to. @throws DecodeError */
  take(
    now: Millis,
    from: Address,
    type: number,
    bytes: Uint8Array,
  ): NewMember<Address> | undefined {
    const { counts } = this.#setup;
    if (type === PacketType.ConnectionClosed) {
      const { to, from: id } = decodeConnectionClosed(bytes);
      this.#answer(from, encodeNoConnection({ from: to, to: id }));
    } else if (type === PacketType.ChallengeRequest && this.isListening) {
      this.#takeChallengeRequest(now, from, bytes);
    } else if (type === PacketType.ConnectRequest && this.isListening) {
      return this.#takeConnectRequest(now, from, bytes);
    } else if (isKnownType(type)) {
      counts.unexpected += 1;
    } else {
      counts.malformed += 1;
    }
    return undefined;
  }

  #takeChallengeRequest(now: Millis, from: Address, bytes: Uint8Array): void {
    const reply = this.#handshake.challenge(now, this.#setup.addressText(from), bytes);
    if (reply === undefined) this.#setup.counts.malformed += 1;
    else this.#answer(from, reply);
  }

  #takeConnectRequest(
    now: Millis,
    from: Address,
    bytes: Uint8Array,
  ): NewMember<Address> | undefined {
    const { counts, hasRoom, addressText } = this.#setup;
    const request = this.#handshake.request(now, addressText(from), bytes);
    if (request === undefined) {
      counts.unexpected += 1;
      return undefined;
    }
    if (!hasRoom() || !this.#handshake.takeToken(now)) {
      counts.refused += 1;
      return undefined;
    }
    try {
      return this.#introduce(now, from, request);
    } catch (error) {
      if (!(error instanceof HandshakeRefusal)) throw error;
      // GNS leaves the client to time out; telling it costs less than it sent.
      this.#refuse(from, request.clientConnectionId, error);
      return undefined;
    }
  }

  #introduce(now: Millis, address: Address, request: ConnectRequest): NewMember<Address> {
    const { crypto, local, members, checks } = this.#setup;
    const { clientConnectionId: remoteId, timestamp, pingMs } = request;
    const remote = checkRemote(crypto, request, checks(now, address));
    const key = `${remote.identity}#${remoteId}`;
    if (members.hasRemote(key)) {
      const debug = 'A connection with that ID already exists.';
      throw new HandshakeRefusal(EndReason.MiscGeneric, debug);
    }
    const config = new GnsConfig({ parent: this.#setup.config, hasSocket: false });
    const id = members.drawId(crypto.randomBytes);
    const spare = this.#spare;
    const setup = { crypto, local, config, role: 'server', id, spare } as const;
    const connection = new GnsConnection(now, setup);
    connection.introduce(remoteId, remote);
    if (pingMs !== undefined && pingMs <= MAX_PING_ESTIMATE_MS) {
      connection.snp.roundTrip.sample(now, pingMs);
    }
    const asked = timestamp === undefined ? undefined : { timestamp, at: now };
    return { connection, address, client: undefined, key, asked };
  }

  #refuse(to: Address, clientId: number, { reason, message: debug }: HandshakeRefusal): void {
    this.#setup.counts.refused += 1;
    this.#answer(to, encodeConnectionClosed({ to: clientId, from: 0, reason, debug }));
  }

  #answer(to: Address, bytes: Uint8Array): void {
    if (!this.#setup.outlet.answer(to, bytes)) this.#setup.counts.refused += 1;
  }
}

function isKnownType(type: number): boolean {
  if (type >= DATA_PACKET || type === PacketType.NoConnection) return true;
  return type >= PacketType.ChallengeRequest && type <= PacketType.ConnectOk;
}
