import { utf8 } from '../src/base/index.ts';
import type { Crypto } from '../src/crypto/index.ts';
import {
  decodeErrorCode,
  decodeStun,
  decodeXorMappedAddress,
  encodeStun,
  findAttribute,
  longTermKey,
  PasswordAlgorithm,
  passwordAlgorithm,
  type StunAddress,
  type StunAttribute,
  StunAttributeType,
  StunClass,
  type StunCrypto,
  type StunMessage,
  withMessageIntegrity,
  xorAddress,
} from '../src/stun/index.ts';
import {
  AddressFamily,
  channelNumber,
  requestedTransport,
  TRANSPORT_UDP,
  TurnAttributeType,
  TurnMethod,
} from '../src/turn/index.ts';
import type { ClientSocket, RelayPort } from '../src/turn/server/allocation.ts';
import type { TurnServerOptions } from '../src/turn/server/options.ts';
import { TO_SIBLING } from '../src/turn/server/transmits.ts';
import { TurnServer } from '../src/turn/server/turn-server.ts';

export type RigCrypto = StunCrypto & Pick<Crypto, 'randomBytes'>;

/** What left a relayed address. */
export interface SentToPeer {
  readonly relay: RelayPort;
  readonly host: string;
  readonly port: number;
  readonly bytes: Uint8Array;
}

/** For tests: a server whose sockets are arrays, and a clock that is turned by hand. */
export class TurnRig {
  readonly server: TurnServer;
  readonly crypto: RigCrypto;
  readonly listener: ClientSocket;
  now = 1000;
  /** Ports that cannot be bound. */
  readonly takenPorts: Set<number> = new Set();
  readonly opened: RelayPort[] = [];
  /** While true, what is asked to be opened waits for {@link TurnRig.release}. */
  isHolding = false;
  readonly held: RelayPort[] = [];
  readonly toPeers: SentToPeer[] = [];
  /** Frames for siblings, with the port that says for which. */
  readonly toSiblings: { readonly port: number; readonly bytes: Uint8Array }[] = [];
  readonly toClients: { socketId: number; host: string; port: number; bytes: Uint8Array }[] = [];

  constructor(crypto: RigCrypto, options: Partial<TurnServerOptions> = {}) {
    this.crypto = crypto;
    this.server = new TurnServer(crypto, {
      realm: 'r',
      accountOf: (username) =>
        username.startsWith('nobody') ? undefined : { player: username, password: 'pw' },
      relays: [
        { family: AddressFamily.Ipv4, bindHost: '10.0.0.5', host: '8.8.4.4' },
        { family: AddressFamily.Ipv6, bindHost: '2600::5', host: '2600::5' },
      ],
      ports: { min: 5000, max: 5063 },
      ownHosts: ['10.0.0.5', '2600::5'],
      ownPorts: new Set([3478]),
      ...options,
      limits: { challengesPerSecond: 1000, ...options.limits },
    });
    this.listener = this.server.openClientSocket(false);
  }

  advance(ms: number): void {
    const until = this.now + ms;
    for (let due = this.server.pollTimeout(); due !== undefined && due <= until; ) {
      this.now = due;
      this.server.handleTimeout(due);
      this.pump();
      due = this.server.pollTimeout();
    }
    this.now = until;
  }

  fromPeer(relay: RelayPort, host: string, port: number, bytes: Uint8Array): void {
    this.server.handlePeer(this.now, relay, host, port, bytes);
    this.pump();
  }

  fromSibling(frame: Uint8Array): void {
    this.server.handleSibling(this.now, frame);
    this.pump();
  }

  pump(): void {
    for (let event = this.server.pollEvent(); event; event = this.server.pollEvent()) {
      const { relay } = event;
      if (event.type === 'closeRelay') {
        for (const list of [this.opened, this.held]) {
          const at = list.indexOf(relay);
          if (at >= 0) list.splice(at, 1);
        }
      } else if (this.isHolding) this.held.push(relay);
      else this.#open(relay);
    }
    for (let out = this.server.pollTransmit(); out; out = this.server.pollTransmit()) {
      const { host, port, bytes, socketId } = out;
      if (out.isToClient) this.toClients.push({ socketId, host, port, bytes });
      else if (socketId === TO_SIBLING) this.toSiblings.push({ port, bytes });
      else {
        const relay = this.opened.find(({ id }) => id === socketId);
        if (relay) this.toPeers.push({ relay, host, port, bytes });
      }
    }
  }

  /** Opens what was held. */
  release(): void {
    this.isHolding = false;
    for (let relay = this.held.shift(); relay; relay = this.held.shift()) {
      this.#open(relay);
      this.pump(); // which may take others off the list
    }
  }

  #open(relay: RelayPort): void {
    if (this.takenPorts.has(relay.port)) this.server.handleRelayFailed(this.now, relay);
    else {
      this.opened.push(relay);
      this.server.handleRelayOpened(this.now, relay);
    }
  }

  client(
    host = '1.2.3.4',
    port = 40_000,
    username = 'alice',
    socket: ClientSocket = this.listener,
  ): RigClient {
    return new RigClient(this, socket, host, port, username);
  }
}

/** A TURN client that does what it is told, right or wrong. */
export class RigClient {
  readonly rig: TurnRig;
  readonly socket: ClientSocket;
  readonly host: string;
  readonly port: number;
  username: string;
  password = 'pw';
  nonce: string | undefined;
  algorithm: PasswordAlgorithm = PasswordAlgorithm.Md5;
  #offered: Uint8Array | undefined;
  #serial = 0;

  constructor(rig: TurnRig, socket: ClientSocket, host: string, port: number, username: string) {
    this.rig = rig;
    this.socket = socket;
    this.host = host;
    this.port = port;
    this.username = username;
  }

  /** Every datagram that has come since the last look. */
  received(): Uint8Array[] {
    const { toClients } = this.rig;
    const mine = toClients.filter(
      ({ socketId, host, port }) =>
        socketId === this.socket.id && host === this.host && port === this.port,
    );
    this.rig.toClients.splice(0, toClients.length, ...toClients.filter((d) => !mine.includes(d)));
    return mine.map(({ bytes }) => bytes);
  }

  send(bytes: Uint8Array): void {
    this.rig.server.handleClient(this.rig.now, this.socket, this.host, this.port, bytes);
    this.rig.pump();
  }

  /** The bytes of an authenticated request; without a nonce, of one that gets a challenge. */
  encode(
    method: number,
    attributes: readonly StunAttribute[],
    id: Uint8Array = this.nextId(),
  ): Uint8Array {
    const message = { class: StunClass.Request, method, transactionId: id };
    if (this.nonce === undefined) return encodeStun({ ...message, attributes });
    const realm = 'r';
    const isSha256 = this.algorithm === PasswordAlgorithm.Sha256;
    const proof: StunAttribute[] = [
      { type: StunAttributeType.Username, value: utf8(this.username) },
      { type: StunAttributeType.Realm, value: utf8(realm) },
      { type: StunAttributeType.Nonce, value: utf8(this.nonce) },
    ];
    if (isSha256 && this.#offered) {
      proof.push({ type: StunAttributeType.PasswordAlgorithms, value: this.#offered });
      proof.push(passwordAlgorithm(this.algorithm));
    }
    const plain = encodeStun({ ...message, attributes: [...attributes, ...proof] });
    const credential = { username: this.username, realm, password: this.password };
    const key = longTermKey(this.rig.crypto, credential, this.algorithm);
    return withMessageIntegrity(this.rig.crypto, plain, key, isSha256 ? 'sha256' : 'sha1');
  }

  /** The answer to a request; a challenge is met first. */
  ask(method: number, attributes: readonly StunAttribute[], id?: Uint8Array): StunMessage {
    if (this.nonce === undefined) {
      const challenge = this.askOnce(this.encode(method, attributes));
      if (challenge) this.learn(challenge);
    }
    const answer = this.askOnce(this.encode(method, attributes, id));
    if (!answer) throw new Error(`no answer to method ${method}`);
    return answer;
  }

  askOnce(bytes: Uint8Array): StunMessage | undefined {
    this.received();
    this.send(bytes);
    const [answer] = this.received();
    return answer && decodeStun(answer);
  }

  learn(challenge: StunMessage): void {
    const nonce = findAttribute(challenge, StunAttributeType.Nonce);
    this.nonce = nonce && new TextDecoder().decode(nonce);
    this.#offered = findAttribute(challenge, StunAttributeType.PasswordAlgorithms);
  }

  allocate(...more: StunAttribute[]): StunMessage {
    return this.ask(TurnMethod.Allocate, [requestedTransport(TRANSPORT_UDP), ...more]);
  }

  permit(...peers: StunAddress[]): StunMessage {
    const id = this.nextId();
    const named = peers.map((peer) => xorAddress(TurnAttributeType.XorPeerAddress, peer, id));
    return this.ask(TurnMethod.CreatePermission, named, id);
  }

  bind(channel: number, peer: StunAddress): StunMessage {
    const id = this.nextId();
    const named = xorAddress(TurnAttributeType.XorPeerAddress, peer, id);
    return this.ask(TurnMethod.ChannelBind, [channelNumber(channel), named], id);
  }

  sendIndication(peer: StunAddress, bytes: Uint8Array, ...more: StunAttribute[]): void {
    const transactionId = this.nextId();
    const attributes = [
      xorAddress(TurnAttributeType.XorPeerAddress, peer, transactionId),
      { type: TurnAttributeType.Data, value: bytes },
      ...more,
    ];
    const method = TurnMethod.Send;
    this.send(encodeStun({ class: StunClass.Indication, method, transactionId, attributes }));
  }

  nextId(): Uint8Array {
    const id = new Uint8Array(12);
    id.set(utf8(`${this.port}`));
    id[11] = ++this.#serial;
    return id;
  }
}

/** 0 for a success. */
export function codeOf(answer: StunMessage): number {
  const value = findAttribute(answer, StunAttributeType.ErrorCode);
  return value ? decodeErrorCode(value).code : 0;
}

export function relayedAddress(answer: StunMessage): StunAddress {
  const value = findAttribute(answer, TurnAttributeType.XorRelayedAddress);
  return decodeXorMappedAddress(value ?? new Uint8Array(), answer.transactionId);
}
