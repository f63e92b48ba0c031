import { type Core, DecodeError, type Millis, NetError, type Transmit } from '../base/index.ts';
import type { AddressKind } from './address.ts';
import { ClientHandshake } from './client-handshake.ts';
import { GnsConnection, type StateChange } from './connection.ts';
import { DatagramBatch } from './datagram-batch.ts';
import { EndReason } from './end-reason.ts';
import { type FakeConditions, FakeLink } from './fake-link.ts';
import {
  checkRemote,
  type GnsCrypto,
  HandshakeRefusal,
  type LocalIdentity,
  type RemoteChecks,
} from './handshake.ts';
import { type Member, Members, type NewMember } from './members.ts';
import {
  type ConnectRequest,
  decodeChallengeRequest,
  decodeConnectionClosed,
  decodeConnectRequest,
  encodeConnectionClosed,
  encodeConnectOk,
  encodeNoConnection,
} from './messages.ts';
import { type GnsOptions, type ResolvedGnsOptions, resolveGnsOptions } from './options.ts';
import { DATA_PACKET, MIN_DATAGRAM_BYTES, PacketType } from './protocol.ts';
import { ServerHandshake } from './server-handshake.ts';

export type GnsEvent =
  /** Somebody asks to connect: accept it or close it before TimeoutInitial. */
  | { readonly type: 'incoming'; readonly connection: GnsConnection }
  | {
      readonly type: 'stateChanged';
      readonly connection: GnsConnection;
      readonly change: StateChange;
    }
  /** Messages have come: drain {@link GnsConnection.receive}. */
  | { readonly type: 'readable'; readonly connection: GnsConnection };

export interface EndpointOptions {
  /** For every connection; a client's can be given apart. */
  connection?: GnsOptions;
  /** Take requests to connect. Default false. */
  isListening?: boolean;
  /** Connections at once, each way. Default 8191, as in GNS. */
  maxConnections?: number;
  /** Connections that wait to be accepted; more are not answered. Default 512. */
  maxIncoming?: number;
  /** Certificates checked a second, on which a flood could spend our time. Default 2000. */
  maxHandshakesPerSecond?: number;
  /** A bad network for what is sent, and for what comes. Default none. */
  fakeSend?: FakeConditions;
  fakeReceive?: FakeConditions;
}

/** The limits among {@link EndpointOptions}, as docs/limits.md quotes them. */
export const endpointDefaults: Readonly<
  Required<Pick<EndpointOptions, 'maxConnections' | 'maxIncoming' | 'maxHandshakesPerSecond'>>
> = Object.freeze({ maxConnections: 8191, maxIncoming: 512, maxHandshakesPerSecond: 2000 });

export interface EndpointSetup<Address> {
  readonly crypto: GnsCrypto;
  readonly local: LocalIdentity;
  readonly addresses: AddressKind<Address>;
  /** Wall clock at time 0 of the caller's monotonic one, in ms since 1970. */
  readonly epochMs: number;
  /** 0 to 1; for the fake network alone. */
  readonly random: () => number;
}

export interface EndpointCounts {
  /** Datagrams that did not parse, for no connection. */
  malformed: number;
  /** Stray data, answers to nothing, challenges that are wrong or old. */
  unexpected: number;
  /** Requests over one of the limits. */
  refused: number;
}

/** Answers that wait to leave and belong to no connection; more are dropped. */
const MAX_ANSWERS = 1024;
/** After a turn that wrote all it could, nobody is woken sooner than this, in ms. */
const MIN_SLEEP_MS = 0.05;
const MAX_PING_ESTIMATE_MS = 1500;
/** A ConnectOk tells the delay of its answer only up to this (GNS: 4 s), in ms. */
const MAX_TOLD_DELAY_MS = 4000;

/**
 * One UDP socket's worth of GNS: connections by address, and the handshake before them, of which
 * nothing is kept until the client has proved its address. GNS `CSteamNetworkListenSocketDirectUDP`.
 */
export class GnsEndpoint<Address> implements Core<Address, GnsEvent> {
  readonly counts: EndpointCounts = { malformed: 0, unexpected: 0, refused: 0 };
  isListening: boolean;
  readonly #setup: EndpointSetup<Address>;
  readonly #options: ResolvedGnsOptions;
  readonly #maxConnections: number;
  readonly #maxIncoming: number;
  readonly #server: ServerHandshake;
  readonly #members: Members<Address>;
  readonly #answers: { readonly to: Address; readonly bytes: Uint8Array }[] = [];
  readonly #events: GnsEvent[] = [];
  readonly #fakeSend: FakeLink<Address> | undefined;
  readonly #fakeReceive: FakeLink<Address> | undefined;
  #now: Millis = 0;
  #incoming = 0;

  /** @throws NetError `OPTIONS_INVALID` */
  constructor(setup: EndpointSetup<Address>, options: EndpointOptions = {}) {
    const { fakeSend, fakeReceive } = options;
    this.#setup = setup;
    this.#options = resolveGnsOptions(setup.crypto, options.connection);
    this.isListening = options.isListening ?? false;
    this.#maxConnections = options.maxConnections ?? endpointDefaults.maxConnections;
    this.#maxIncoming = options.maxIncoming ?? endpointDefaults.maxIncoming;
    const perSecond = options.maxHandshakesPerSecond ?? endpointDefaults.maxHandshakesPerSecond;
    this.#server = new ServerHandshake(setup.crypto, perSecond);
    this.#members = new Members(setup.addresses);
    if (fakeSend !== undefined) this.#fakeSend = new FakeLink(fakeSend, setup.random);
    if (fakeReceive !== undefined) this.#fakeReceive = new FakeLink(fakeReceive, setup.random);
  }

  get connectionCount(): number {
    return this.#members.count;
  }

  /** @throws NetError `OPTIONS_INVALID`, `GNS_ADDRESS_IN_USE`, `GNS_TOO_MANY_CONNECTIONS` */
  connect(
    now: Millis,
    to: Address,
    options: { identity?: string; connection?: GnsOptions } = {},
  ): GnsConnection {
    const resolved =
      options.connection === undefined
        ? this.#options
        : resolveGnsOptions(this.#setup.crypto, { ...this.#options, ...options.connection });
    if (this.#members.at(to) !== undefined) {
      throw new NetError('GNS_ADDRESS_IN_USE', 'this endpoint has a connection to that address');
    }
    if (this.connectionCount >= this.#maxConnections) {
      throw new NetError('GNS_TOO_MANY_CONNECTIONS', 'the endpoint has maxConnections');
    }
    const { crypto, local } = this.#setup;
    const id = this.#members.drawId(crypto.randomBytes);
    const connection = new GnsConnection(now, {
      crypto,
      local,
      options: resolved,
      role: 'client',
      id,
    });
    const expected = options.identity === undefined ? {} : { expectedIdentity: options.identity };
    const client = new ClientHandshake({ crypto, connection, ...expected });
    this.#add(now, { connection, address: to, client, key: undefined, asked: undefined });
    return connection;
  }

  /** Takes an incoming connection; it is connected at once. False when it has ended meanwhile. */
  accept(now: Millis, connection: GnsConnection): boolean {
    const member = this.#members.of(connection);
    if (member === undefined || connection.state !== 'connecting') return false;
    const isConnected = connection.accept(now);
    if (isConnected) this.#pushConnectOk(now, member);
    this.touch(now, connection);
    return isConnected;
  }

  addressOf(connection: GnsConnection): Address | undefined {
    return this.#members.of(connection)?.address;
  }

  /** Call after any method of a connection that may cause datagrams or events. */
  touch(now: Millis, connection: GnsConnection): void {
    this.#now = now;
    const member = this.#members.of(connection);
    if (member !== undefined) this.#touch(member);
  }

  handleDatagram(now: Millis, from: Address, bytes: Uint8Array): void {
    this.#now = now;
    if (this.#fakeReceive === undefined) this.#take(now, from, bytes);
    else {
      this.#fakeReceive.push(now, from, bytes);
      this.#takeFaked(now);
    }
  }

  handleTimeout(now: Millis): void {
    this.#now = now;
    this.#takeFaked(now);
    for (let m = this.#members.shiftDue(now); m; m = this.#members.shiftDue(now)) {
      m.connection.handleTimeout(now);
      this.#touch(m);
    }
  }

  /** Fills what is left of `batch`. False when it is full and there may be more. */
  fill(now: Millis, batch: DatagramBatch<Address>): boolean {
    this.#now = now;
    while (this.#answers.length > 0 && !batch.isFull) {
      const { to, bytes } = this.#answers.shift() ?? {};
      if (to !== undefined && bytes !== undefined) this.#give(now, batch, to, bytes);
    }
    this.#fillFaked(now, batch);
    while (this.#members.hasTouched) {
      for (const member of this.#members.takeTouched()) {
        if (!this.#fillFrom(now, member, batch)) this.#touch(member);
      }
      this.#fillFaked(now, batch);
      if (batch.isFull) return false;
    }
    return true;
  }

  pollTransmit(): Transmit<Address> | undefined {
    this.#single.clear();
    this.fill(this.#now, this.#single);
    const to = this.#single.to[0];
    if (this.#single.count === 0 || to === undefined) return undefined;
    return { to, bytes: this.#single.bytes(0).slice() };
  }

  pollEvent(): GnsEvent | undefined {
    return this.#events.shift();
  }

  pollTimeout(): Millis | undefined {
    const fakeAt = Math.min(
      this.#fakeSend?.nextAt ?? Number.POSITIVE_INFINITY,
      this.#fakeReceive?.nextAt ?? Number.POSITIVE_INFINITY,
    );
    const isBusy = this.#members.hasTouched || this.#answers.length > 0;
    const at = isBusy ? this.#now : Math.min(this.#members.nextWakeAt, fakeAt);
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  readonly #single = new DatagramBatch<Address>(1);

  // In.

  #takeFaked(now: Millis): void {
    const fake = this.#fakeReceive;
    for (let d = fake?.shiftDue(now); d !== undefined; d = fake?.shiftDue(now)) {
      this.#take(now, d.address, d.bytes);
    }
  }

  #take(now: Millis, from: Address, bytes: Uint8Array): void {
    const type = bytes[0] ?? 0;
    if (bytes.length < MIN_DATAGRAM_BYTES) {
      this.counts.malformed += 1;
      return;
    }
    const member = this.#members.at(from);
    try {
      if (member === undefined) this.#takeUnknown(now, from, type, bytes);
      else this.#takeKnown(now, member, type, bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.counts.malformed += 1;
    }
  }

  #takeKnown(now: Millis, member: Member<Address>, type: number, bytes: Uint8Array): void {
    const { connection, client } = member;
    if (type === PacketType.ChallengeRequest || type === PacketType.ConnectRequest) {
      this.#takeRepeated(now, member, type, bytes);
    } else if (type === PacketType.ChallengeReply || type === PacketType.ConnectOk) {
      if (client === undefined) {
        connection.drops.unexpected += 1;
        return;
      }
      if (type === PacketType.ConnectOk) {
        client.handleConnectOk(now, bytes, this.#checks(now, member.address));
      } else {
        const request = client.handleChallengeReply(now, bytes);
        if (request !== undefined) member.outbox.push(request);
      }
    } else {
      connection.handleDatagram(now, bytes);
    }
    this.#touch(member);
  }

  /** A client asks again: its ConnectOk was lost, or it starts anew from the same port. */
  #takeRepeated(now: Millis, member: Member<Address>, type: number, bytes: Uint8Array): void {
    const { connection } = member;
    const isChallenge = type === PacketType.ChallengeRequest;
    const id = isChallenge
      ? decodeChallengeRequest(bytes).connectionId
      : decodeConnectRequest(bytes).clientConnectionId;
    if (id === connection.remoteId) {
      if (connection.isActive) this.#pushConnectOk(now, member);
      else connection.answerStray();
      return;
    }
    // GNS ignores it while the old connection lasts; one that is over need not be waited for.
    const isOver = connection.state === 'finWait' || connection.state === 'dead';
    if (!isOver) {
      connection.drops.unexpected += 1;
      return;
    }
    this.#members.remove(member);
    this.#takeUnknown(now, member.address, type, bytes);
  }

  #takeUnknown(now: Millis, from: Address, type: number, bytes: Uint8Array): void {
    if (type === PacketType.ConnectionClosed) {
      const { to, from: id } = decodeConnectionClosed(bytes);
      this.#answer(from, encodeNoConnection({ from: to, to: id }));
    } else if (type === PacketType.ChallengeRequest && this.isListening) {
      this.#takeChallengeRequest(now, from, bytes);
    } else if (type === PacketType.ConnectRequest && this.isListening) {
      this.#takeConnectRequest(now, from, bytes);
    } else if (type >= DATA_PACKET || type === PacketType.NoConnection || this.#isHandshake(type)) {
      this.counts.unexpected += 1;
    } else {
      this.counts.malformed += 1;
    }
  }

  #isHandshake(type: number): boolean {
    return type >= PacketType.ChallengeRequest && type <= PacketType.ConnectOk;
  }

  #takeChallengeRequest(now: Millis, from: Address, bytes: Uint8Array): void {
    const reply = this.#server.challenge(now, this.#setup.addresses.identity(from), bytes);
    if (reply === undefined) this.counts.malformed += 1;
    else this.#answer(from, reply);
  }

  #takeConnectRequest(now: Millis, from: Address, bytes: Uint8Array): void {
    const checks = this.#checks(now, from);
    const request = this.#server.request(now, checks.addressIdentity, bytes);
    if (request === undefined) {
      this.counts.unexpected += 1;
      return;
    }
    const isFull =
      this.connectionCount >= this.#maxConnections || this.#incoming >= this.#maxIncoming;
    if (isFull || !this.#server.takeToken(now)) {
      this.counts.refused += 1;
      return;
    }
    try {
      this.#introduce(now, from, request, checks);
    } catch (error) {
      if (!(error instanceof HandshakeRefusal)) throw error;
      // GNS leaves the client to time out; telling it costs less than it sent.
      this.#refuse(from, request.clientConnectionId, error.reason, error.message);
    }
  }

  #introduce(now: Millis, from: Address, request: ConnectRequest, checks: RemoteChecks): void {
    const { crypto, local } = this.#setup;
    const { clientConnectionId: remoteId, timestamp, pingMs } = request;
    const remote = checkRemote(crypto, request, checks);
    const key = `${remote.identity}#${remoteId}`;
    if (this.#members.hasRemote(key)) {
      const debug = 'A connection with that ID already exists.';
      throw new HandshakeRefusal(EndReason.MiscGeneric, debug);
    }
    const { options } = checks;
    const id = this.#members.drawId(crypto.randomBytes);
    const connection = new GnsConnection(now, { crypto, local, options, role: 'server', id });
    connection.introduce(remoteId, remote);
    if (pingMs !== undefined && pingMs <= MAX_PING_ESTIMATE_MS) {
      connection.snp.roundTrip.sample(now, pingMs);
    }
    const asked = timestamp === undefined ? undefined : { timestamp, at: now };
    this.#incoming += 1;
    this.#add(now, { connection, address: from, client: undefined, key, asked });
  }

  #refuse(to: Address, clientId: number, reason: number, debug: string): void {
    this.counts.refused += 1;
    this.#answer(to, encodeConnectionClosed({ to: clientId, from: 0, reason, debug }));
  }

  #checks(now: Millis, address: Address): RemoteChecks {
    const { addresses, epochMs } = this.#setup;
    return {
      options: this.#options,
      nowSec: Math.floor((epochMs + now) / 1000),
      addressIdentity: addresses.identity(address),
      isLoopback: addresses.isLoopback(address),
    };
  }

  // Out.

  #pushConnectOk(now: Millis, member: Member<Address>): void {
    const { connection, asked } = member;
    const credentials = connection.answer;
    if (credentials === undefined || member.outbox.length > 0) return;
    const delayMs = asked === undefined ? 0 : now - asked.at;
    const isToldDelay = asked !== undefined && delayMs < MAX_TOLD_DELAY_MS;
    member.outbox.push(
      encodeConnectOk({
        clientConnectionId: connection.remoteId,
        serverConnectionId: connection.id,
        ...(isToldDelay ? { yourTimestamp: asked.timestamp } : {}),
        delayUsec: Math.round(delayMs * 1000),
        ...credentials,
      }),
    );
  }

  #answer(to: Address, bytes: Uint8Array): void {
    if (this.#answers.length < MAX_ANSWERS) this.#answers.push({ to, bytes });
    else this.counts.refused += 1;
  }

  /** False when the batch is full before the member has written all. */
  #fillFrom(now: Millis, member: Member<Address>, batch: DatagramBatch<Address>): boolean {
    const { connection, address, outbox } = member;
    for (;;) {
      if (batch.isFull) return false;
      const at = batch.count * batch.slotBytes;
      const handshake = outbox.shift() ?? member.client?.poll(now);
      if (handshake !== undefined) {
        this.#give(now, batch, address, handshake);
        continue;
      }
      const length = connection.writeDatagram(now, batch.memory, at);
      if (length === 0) break;
      if (this.#fakeSend === undefined) batch.add(address, length);
      else this.#fakeSend.push(now, address, batch.memory.subarray(at, at + length));
    }
    this.#settle(now, member);
    return true;
  }

  #give(now: Millis, batch: DatagramBatch<Address>, to: Address, bytes: Uint8Array): void {
    if (this.#fakeSend !== undefined) {
      this.#fakeSend.push(now, to, bytes);
      return;
    }
    batch.memory.set(bytes, batch.count * batch.slotBytes);
    batch.add(to, bytes.length);
  }

  #fillFaked(now: Millis, batch: DatagramBatch<Address>): void {
    const fake = this.#fakeSend;
    while (fake !== undefined && !batch.isFull) {
      const datagram = fake.shiftDue(now);
      if (datagram === undefined) return;
      batch.memory.set(datagram.bytes, batch.count * batch.slotBytes);
      batch.add(datagram.address, datagram.bytes.length);
    }
  }

  // Members.

  #add(now: Millis, parts: NewMember<Address>): void {
    this.#now = now;
    this.#touch(this.#members.add(parts));
  }

  /** Its events are told at once, its datagrams with the next batch. */
  #touch(member: Member<Address>): void {
    this.#tell(member);
    this.#members.touch(member);
  }

  #tell(member: Member<Address>): void {
    const { connection } = member;
    for (let change = connection.pollChange(); change; change = connection.pollChange()) {
      const isIncoming = connection.role === 'server' && change.state === 'connecting';
      if (isIncoming) this.#events.push({ type: 'incoming', connection });
      else this.#events.push({ type: 'stateChanged', connection, change });
      if (connection.role === 'server' && change.previous === 'connecting') this.#incoming -= 1;
      const isEnded = change.state === 'closedByPeer' || change.state === 'problemDetectedLocally';
      if (isEnded) connection.close(this.#now); // nothing is left to do for the application
    }
    if (connection.pollReadable()) this.#events.push({ type: 'readable', connection });
  }

  /** All that could be written was: sleeps until the connection has something to do. */
  #settle(now: Millis, member: Member<Address>): void {
    this.#tell(member);
    if (member.connection.state === 'dead') {
      this.#members.remove(member);
      return;
    }
    const at = Math.min(
      member.connection.wakeAt(now),
      member.client?.wakeAt ?? Number.POSITIVE_INFINITY,
    );
    if (this.#members.has(member)) {
      this.#members.sleep(member, Math.max(at, now + MIN_SLEEP_MS));
    }
  }
}
