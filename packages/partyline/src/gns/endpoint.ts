import { type Core, DecodeError, type Millis, NetError, type Transmit } from '../base/index.ts';
import { Admission, type AdmissionSetup } from './admission.ts';
import { ClientHandshake, challengeRequest } from './client-handshake.ts';
import { GnsConfig } from './config.ts';
import { GnsConnection } from './connection.ts';
import { DatagramBatch } from './datagram-batch.ts';
import {
  type AskedServer,
  type EndpointConnectOptions,
  type EndpointCounts,
  type EndpointOptions,
  type EndpointSetup,
  endpointDefaults,
} from './endpoint-options.ts';
import { EventQueue, type GnsEvent } from './event-queue.ts';
import { FakeLink } from './fake-link.ts';
import type { RemoteChecks } from './handshake.ts';
import { type Member, Members, type NewMember } from './members.ts';
import { encodeConnectOk } from './messages.ts';
import { Outlet } from './outlet.ts';
import { MIN_DATAGRAM_BYTES, PacketType } from './protocol.ts';
import { answerDelay, askingId } from './server-handshake.ts';

/** After a turn that wrote all it could, nobody is woken sooner than this, in ms. */
const MIN_SLEEP_MS = 0.05;
/**
 * One UDP socket's worth of GNS: connections by address, and the handshake before them, of which
 * nothing is kept until the client has proved its address. GNS `CSteamNetworkListenSocketDirectUDP`.
 */
export class GnsEndpoint<Address> implements Core<Address, GnsEvent> {
  readonly counts: EndpointCounts = { malformed: 0, unexpected: 0, refused: 0 };
  readonly #setup: EndpointSetup<Address>;
  /** What its connections inherit. */
  readonly config: GnsConfig;
  readonly #maxConnections: number;
  readonly #members: Members<Address>;
  readonly #admission: Admission<Address>;
  readonly #outlet: Outlet<Address>;
  readonly #events = new EventQueue();
  readonly #fakeReceive: FakeLink<Address>;
  /** Connections that have just begun, or just agreed. */
  readonly #unprepared = new Set<GnsConnection>();
  #now: Millis = 0;

  /** @throws NetError `OPTIONS_INVALID` */
  constructor(setup: EndpointSetup<Address>, options: EndpointOptions = {}) {
    const {
      isListening = false,
      maxConnections = endpointDefaults.maxConnections,
      maxIncoming = endpointDefaults.maxIncoming,
      maxHandshakesPerSecond = endpointDefaults.maxHandshakesPerSecond,
    } = options;
    const { crypto, local, addresses, random } = setup;
    this.#setup = setup;
    this.config = GnsConfig.from({ parent: crypto }, options.config);
    const { values } = this.config;
    this.#maxConnections = maxConnections;
    this.#members = new Members(addresses);
    this.#outlet = new Outlet(new FakeLink(() => values.fakeSend, random));
    this.#fakeReceive = new FakeLink(() => values.fakeReceive, random);
    const admission: AdmissionSetup<Address> = {
      crypto,
      local,
      maxHandshakesPerSecond,
      counts: this.counts,
      members: this.#members,
      outlet: this.#outlet,
      config: this.config,
      hasRoom: () => this.connectionCount < maxConnections && this.#events.incoming < maxIncoming,
      checks: (now, address) => this.#checks(now, address),
      addressText: addresses.text,
    };
    this.#admission = new Admission(admission, isListening);
  }

  /** Does it take requests to connect? */
  get isListening(): boolean {
    return this.#admission.isListening;
  }

  set isListening(value: boolean) {
    this.#admission.isListening = value;
  }

  /** Connections that wait to be written by {@link GnsEndpoint.fill}. */
  get touchedCount(): number {
    return this.#members.touchedCount;
  }

  isTouched(connection: GnsConnection): boolean {
    return this.#members.of(connection)?.isTouched ?? false;
  }

  get connectionCount(): number {
    return this.#members.count;
  }

  /**
   * Asks for a challenge ahead of {@link GnsEndpoint.connect}, which is given what this returns:
   * a driver lets the question leave, and makes the connection while the server answers.
   */
  ask(now: Millis, to: Address): AskedServer {
    const id = this.#members.drawId(this.#setup.crypto.randomBytes);
    const isLeaving = this.#outlet.answer(to, challengeRequest(now, id));
    return { id, at: isLeaving ? now : Number.NEGATIVE_INFINITY };
  }

  /** @throws NetError `OPTIONS_INVALID`, `GNS_ADDRESS_IN_USE`, `GNS_TOO_MANY_CONNECTIONS` */
  connect(now: Millis, to: Address, options: EndpointConnectOptions = {}): GnsConnection {
    if (this.#members.at(to) !== undefined) {
      throw new NetError('GNS_ADDRESS_IN_USE', 'this endpoint has a connection to that address');
    }
    if (this.connectionCount >= this.#maxConnections) {
      throw new NetError('GNS_TOO_MANY_CONNECTIONS', 'the endpoint has maxConnections');
    }
    const { crypto, local } = this.#setup;
    const config = GnsConfig.from({ parent: this.config, hasSocket: false }, options.config);
    const { identity: expectedIdentity, asked } = options;
    const { id, at: askedAt } = asked ?? {
      id: this.#members.drawId(crypto.randomBytes),
      at: Number.NEGATIVE_INFINITY,
    };
    const connection = new GnsConnection(now, { crypto, local, config, role: 'client', id });
    const client = new ClientHandshake({ crypto, connection, expectedIdentity, askedAt });
    this.#add(now, { connection, address: to, client, key: undefined, asked: undefined });
    this.#unprepared.add(connection);
    return connection;
  }

  /** Takes an incoming connection; it is connected at once. False when it has ended meanwhile. */
  accept(now: Millis, connection: GnsConnection): boolean {
    const member = this.#members.of(connection);
    if (member === undefined || connection.state !== 'connecting') return false;
    const isConnected = connection.accept(now);
    if (isConnected) this.#pushConnectOk(now, member);
    if (isConnected) this.#unprepared.add(connection);
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
    if (this.#fakeReceive.isIdle) this.#take(now, from, bytes);
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
    this.#outlet.flush(now, batch);
    while (!batch.isFull) {
      const member = this.#members.shiftTouched();
      if (member === undefined) {
        this.#outlet.flushFaked(now, batch);
        return !batch.isFull;
      }
      if (!this.#fillFrom(now, member, batch)) this.#touch(member);
    }
    return false;
  }

  pollTransmit(): Transmit<Address> | undefined {
    const single = new DatagramBatch<Address>(1); // real drivers take many at once: fill
    this.fill(this.#now, single);
    const to = single.to[0];
    if (single.count === 0 || to === undefined) return undefined;
    return { to, bytes: single.bytes(0) };
  }

  /** Is there something for {@link GnsEndpoint.prepare}? */
  get isUnprepared(): boolean {
    return this.#unprepared.size > 0 || this.#admission.isUnprepared;
  }

  /**
   * Call when the datagrams have left: makes what would be waited for next, keys and shares. What
   * is not prepared is made when it is needed.
   */
  prepare(): void {
    for (const connection of this.#unprepared) connection.prepare();
    this.#unprepared.clear();
    this.#admission.prepare();
  }

  pollEvent(): GnsEvent | undefined {
    return this.#events.shift();
  }

  pollTimeout(): Millis | undefined {
    if (this.#members.touchedCount > 0) return this.#now;
    const { nextAt } = this.#fakeReceive;
    const at = Math.min(this.#members.nextWakeAt, this.#outlet.nextAt, nextAt);
    return at === Number.POSITIVE_INFINITY ? undefined : Math.max(at, this.#now);
  }

  // In.

  #takeFaked(now: Millis): void {
    const fake = this.#fakeReceive;
    for (let d = fake.shiftDue(now); d !== undefined; d = fake.shiftDue(now)) {
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
      if (member === undefined) this.#admit(now, from, type, bytes);
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
        connection.drop('unexpected');
        return;
      }
      if (type === PacketType.ConnectOk) {
        const checks = this.#checks(now, member.address);
        client.handleConnectOk(now, bytes, { ...checks, options: connection.config.values });
        if (connection.isActive) this.#unprepared.add(connection);
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
    const id = askingId(type, bytes);
    if (id === connection.remoteId) {
      if (connection.isActive) this.#pushConnectOk(now, member);
      else connection.answerStray();
      return;
    }
    // GNS ignores it while the old connection lasts; one that is over need not be waited for.
    const isOver = connection.state === 'finWait' || connection.state === 'dead';
    if (!isOver) {
      connection.drop('unexpected');
      return;
    }
    this.#remove(member);
    this.#admit(now, member.address, type, bytes);
  }

  #admit(now: Millis, from: Address, type: number, bytes: Uint8Array): void {
    const admitted = this.#admission.take(now, from, type, bytes);
    if (admitted !== undefined) this.#add(now, admitted);
  }

  #checks(now: Millis, address: Address): RemoteChecks {
    const { addresses, epochMs } = this.#setup;
    return {
      options: this.config.values,
      nowSec: Math.floor((epochMs + now) / 1000),
      addressIdentity: () => addresses.identity(address),
      isLoopback: addresses.isLoopback(address),
    };
  }

  // Out.

  #pushConnectOk(now: Millis, { connection, asked, outbox }: Member<Address>): void {
    const credentials = connection.answer;
    if (credentials === undefined || outbox.length > 0) return;
    const { yourTimestamp, delayUsec } = answerDelay(now, asked);
    outbox.push(
      encodeConnectOk({
        clientConnectionId: connection.remoteId,
        serverConnectionId: connection.id,
        yourTimestamp,
        delayUsec,
        cert: credentials.cert,
        crypt: credentials.crypt,
        identity: credentials.identity,
      }),
    );
  }

  /** False when the batch is full before the member has written all. */
  #fillFrom(now: Millis, member: Member<Address>, batch: DatagramBatch<Address>): boolean {
    const { connection, address, outbox } = member;
    for (;;) {
      if (batch.isFull) return false;
      const at = batch.count * batch.slotBytes;
      const handshake = outbox.shift() ?? member.client?.poll(now);
      if (handshake !== undefined) {
        this.#outlet.give(now, batch, address, handshake);
        continue;
      }
      const wakeAt = connection.wakeAt(now);
      const length = wakeAt > now ? 0 : connection.writeDatagram(now, batch.memory, at);
      if (length === 0) {
        this.#settle(now, member, wakeAt);
        return true;
      }
      this.#outlet.giveWritten(now, batch, address, length);
    }
  }

  // Members.

  #add(now: Millis, parts: NewMember<Address>): void {
    this.#now = now;
    this.#touch(this.#members.add(parts));
  }

  #remove(member: Member<Address>): void {
    this.#unprepared.delete(member.connection);
    this.#members.remove(member);
  }

  /** Its events are told at once, its datagrams with the next batch. */
  #touch(member: Member<Address>): void {
    this.#events.take(this.#now, member.connection);
    this.#members.touch(member);
  }

  /** All that could be written was: sleeps until the connection has something to do. */
  #settle(now: Millis, member: Member<Address>, wakeAt: Millis): void {
    this.#events.take(now, member.connection);
    if (member.connection.state === 'dead') {
      this.#remove(member);
      return;
    }
    if (!member.isHere) return;
    const at = Math.min(wakeAt, member.client?.wakeAt ?? Number.POSITIVE_INFINITY);
    this.#members.sleep(member, Math.max(at, now + MIN_SLEEP_MS));
  }
}
