import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { nodeCrypto, nodeLegacyCrypto } from 'partyline/node';
import {
  decodeErrorCode,
  decodeStun,
  decodeXorMappedAddress,
  encodeStun,
  findAttribute,
  longTermKey,
  PasswordAlgorithm,
  StreamSplitter,
  type StunAttribute,
  StunAttributeType,
  StunClass,
  type StunMessage,
  withMessageIntegrity,
  xorAddress,
} from 'partyline/protocol/stun';
import {
  channelNumber,
  requestedTransport,
  TRANSPORT_UDP,
  TURN_SUBPROTOCOL,
  TURN_WEB_SOCKET_PATH,
  TurnAttributeType,
  TurnMethod,
  turnFrameLength,
  writeChannelData,
} from 'partyline/protocol/turn';
import WebSocket from 'ws';

const stunCrypto = { ...nodeCrypto, ...nodeLegacyCrypto };
export interface Credential {
  readonly urls: readonly string[];
  readonly username: string;
  readonly credential: string;
  readonly ttlSec: number;
}

/** A TURN client over one socket, as small as can be. */
export class TurnProbe implements Disposable {
  readonly frames: Uint8Array[] = [];
  readonly #send: (bytes: Uint8Array) => void;
  readonly #close: () => void;
  readonly #credential: Credential;
  #nonce: Uint8Array = new Uint8Array();
  #realm: Uint8Array = new Uint8Array();
  #wake: () => void = () => {};
  /** The other side closed the connection. */
  isEnded = false;
  /** Of a WebSocket, which has text frames too. */
  sendText: (text: string) => void = () => {};

  static async open(credential: Credential, transport: 'udp' | 'tcp' | 'tls'): Promise<TurnProbe> {
    const scheme = transport === 'tls' ? 'turns' : 'turn';
    const ending = transport === 'udp' ? 'udp' : 'tcp';
    const url = credential.urls.find((u) => u.startsWith(`${scheme}:`) && u.endsWith(ending));
    const [, host = '', port] = /^turns?:\[?(.*?)\]?:(\d+)\?/.exec(url ?? '') ?? [];
    if (transport === 'udp') return TurnProbe.#openUdp(credential, host, Number(port));
    return TurnProbe.openStream(credential, { host, port: Number(port) }, transport === 'tls');
  }

  /** TCP, or TLS whose certificate nobody has to know. */
  static async openStream(
    credential: Credential,
    where: { host: string; port: number },
    isTls: boolean,
  ): Promise<TurnProbe> {
    const socket: Socket = isTls
      ? connectTls({ ...where, rejectUnauthorized: false })
      : connect(where);
    await once(socket, isTls ? 'secureConnect' : 'connect');
    const close = (): void => void socket.destroy();
    const probe = new TurnProbe(credential, (bytes) => socket.write(bytes), close);
    const splitter = new StreamSplitter(turnFrameLength, 2000);
    socket.on('data', (chunk) => splitter.split(chunk, (frame) => probe.#receive(frame.slice())));
    socket.on('close', () => probe.#end());
    return probe;
  }

  /** `url`: of the server; the carrier has a path of its own. */
  static async openWebSocket(credential: Credential, url: string): Promise<TurnProbe> {
    const address = `${url.replace(/^http/, 'ws')}${TURN_WEB_SOCKET_PATH}`;
    const ws = new WebSocket(address, [TURN_SUBPROTOCOL], { rejectUnauthorized: false });
    await once(ws, 'open');
    const close = (): void => ws.terminate();
    const probe = new TurnProbe(credential, (bytes) => ws.send(bytes), close);
    probe.sendText = (text) => ws.send(text);
    ws.on('message', (frame: Buffer) => probe.#receive(frame));
    ws.on('close', () => probe.#end());
    return probe;
  }

  static async #openUdp(credential: Credential, host: string, port: number): Promise<TurnProbe> {
    const isIpv6 = host.includes(':');
    const socket: UdpSocket = createSocket(isIpv6 ? 'udp6' : 'udp4');
    socket.bind(0, isIpv6 ? '::1' : '127.0.0.1');
    await once(socket, 'listening');
    const send = (bytes: Uint8Array): void => socket.send(bytes, port, host);
    const probe = new TurnProbe(credential, send, () => socket.close());
    socket.on('message', (bytes) => probe.#receive(bytes));
    return probe;
  }

  private constructor(credential: Credential, send: (b: Uint8Array) => void, close: () => void) {
    this.#credential = credential;
    this.#send = send;
    this.#close = close;
  }

  send(bytes: Uint8Array): void {
    this.#send(bytes);
  }

  async next(): Promise<Uint8Array> {
    for (;;) {
      const frame = this.frames.shift();
      if (frame) return frame;
      if (this.isEnded) throw new Error('the connection was closed');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async ask(
    method: number,
    attributes: (transactionId: Uint8Array) => StunAttribute[],
  ): Promise<StunMessage> {
    const transactionId = nodeCrypto.randomBytes(12);
    const { username, credential: password } = this.#credential;
    const message = encodeStun({
      class: StunClass.Request,
      method,
      transactionId,
      attributes: [
        ...attributes(transactionId),
        { type: StunAttributeType.Username, value: new TextEncoder().encode(username) },
        { type: StunAttributeType.Realm, value: this.#realm },
        { type: StunAttributeType.Nonce, value: this.#nonce },
      ],
    });
    const realm = new TextDecoder().decode(this.#realm);
    const key = longTermKey(stunCrypto, { username, realm, password }, PasswordAlgorithm.Md5);
    this.send(withMessageIntegrity(stunCrypto, message, key, 'sha1'));
    return decodeStun(await this.next());
  }

  /** 401 first, as everybody. Gives the relayed address, or the error. */
  async allocate(): Promise<{ host: string; port: number } | number> {
    const transactionId = nodeCrypto.randomBytes(12);
    const transport = requestedTransport(TRANSPORT_UDP);
    const bare = { class: StunClass.Request, method: TurnMethod.Allocate, transactionId };
    this.send(encodeStun({ ...bare, attributes: [transport] }));
    const challenge = decodeStun(await this.next());
    this.#realm = findAttribute(challenge, StunAttributeType.Realm) ?? this.#realm;
    this.#nonce = findAttribute(challenge, StunAttributeType.Nonce) ?? this.#nonce;
    const answer = await this.ask(TurnMethod.Allocate, () => [transport]);
    const relayed = findAttribute(answer, TurnAttributeType.XorRelayedAddress);
    return relayed ? decodeXorMappedAddress(relayed, answer.transactionId) : codeOf(answer);
  }

  [Symbol.dispose](): void {
    this.#close();
  }

  #end(): void {
    this.isEnded = true;
    this.#wake();
  }

  #receive(frame: Uint8Array): void {
    this.frames.push(new Uint8Array(frame)); // a Buffer prints and compares differently
    this.#wake();
  }
}

export function codeOf(message: StunMessage): number {
  const value = findAttribute(message, StunAttributeType.ErrorCode);
  return value ? decodeErrorCode(value).code : 0;
}

export async function bind(
  probe: TurnProbe,
  peer: { host: string; port: number },
): Promise<number> {
  const answer = await probe.ask(TurnMethod.ChannelBind, (id) => [
    channelNumber(0x4000),
    xorAddress(TurnAttributeType.XorPeerAddress, peer, id),
  ]);
  return codeOf(answer);
}

export function channelData(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((4 + payload.length + 3) & ~3);
  writeChannelData(bytes, 0, 0x4000, payload, true);
  return bytes;
}
