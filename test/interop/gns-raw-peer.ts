import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { nodeCrypto } from 'partyline/node';
import { encodeCert, encodeSignedCert } from 'partyline/protocol/cert';
import {
  Cipher,
  type ConnectionClosed,
  type Credentials,
  checkRemote,
  decodeChallengeReply,
  decodeChallengeRequest,
  decodeConnectionClosed,
  decodeConnectOk,
  decodeConnectRequest,
  deriveSessionKeys,
  encodeChallengeReply,
  encodeChallengeRequest,
  encodeConnectOk,
  encodeConnectRequest,
  encodeCryptInfo,
  encodeDataHeader,
  encodeSignedCryptInfo,
  PacketCipher,
  PacketType,
  type RemoteHandshake,
  resolveGnsOptions,
} from 'partyline/protocol/gns';

/** What a peer shows that does not play by the rules; left out, it does. */
export interface RawManners {
  readonly version?: number;
  /** In ChallengeRequest and ChallengeReply. Default: `version`. */
  readonly challengeVersion?: number;
  readonly appIds?: readonly number[];
  readonly identity?: string;
  readonly ciphers?: readonly number[];
  readonly isSignatureBroken?: boolean;
  readonly isChallengeBroken?: boolean;
  readonly id?: number;
  /** When its certificate expired, in seconds since 1970; it is signed by a CA of its own then. */
  readonly expiredSec?: number;
}

interface Shown extends Credentials {
  readonly secret: Uint8Array;
  readonly nonce: bigint;
  readonly certBytes: Uint8Array;
  readonly infoBytes: Uint8Array;
}

const CURRENT_VERSION = 13;
const anyone = resolveGnsOptions(nodeCrypto, {});

/** A GNS peer made of bytes: it says what the test wants, and keeps what it hears. */
export class RawPeer implements AsyncDisposable {
  readonly heard: Uint8Array[] = [];
  readonly #socket: Socket;
  readonly #manners: RawManners;
  /** Its own; change it to be another client on the same port. */
  id: number;
  #remoteId = 0;
  #to: { readonly host: string; readonly port: number } | undefined;
  #sealer: PacketCipher | undefined;
  #number = 2;

  static async open(manners: RawManners = {}): Promise<RawPeer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new RawPeer(socket, manners);
  }

  private constructor(socket: Socket, manners: RawManners) {
    this.#socket = socket;
    this.#manners = manners;
    this.id = manners.id ?? 0x1234_5678;
    socket.on('message', (bytes) => this.heard.push(Uint8Array.from(bytes)));
  }

  get port(): number {
    return this.#socket.address().port;
  }

  get nextNumber(): number {
    return this.#number;
  }

  set nextNumber(value: number) {
    this.#number = value;
  }

  /** The first datagram of one of these types, past or to come; taken once. `undefined` after `timeoutMs`. */
  async hear(types: readonly number[], timeoutMs = 15_000): Promise<Uint8Array | undefined> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const at = this.heard.findIndex((bytes) => types.includes(bytes[0] ?? 0));
      if (at >= 0) return this.heard.splice(at, 1)[0];
      if (performance.now() > end) return undefined;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async hearClosed(timeoutMs?: number): Promise<ConnectionClosed | undefined> {
    const bytes = await this.hear([PacketType.ConnectionClosed], timeoutMs);
    return bytes === undefined ? undefined : decodeConnectionClosed(bytes);
  }

  /** Client: asks a server. `connected`, the reason it was refused for, or `silence`. */
  async dial(port: number, patienceMs = 2000): Promise<'connected' | 'silence' | number> {
    this.#to = { host: '127.0.0.1', port };
    const { version = CURRENT_VERSION } = this.#manners;
    const protocolVersion = this.#manners.challengeVersion ?? version;
    this.send(encodeChallengeRequest({ connectionId: this.id, timestamp: 1n, protocolVersion }));
    const reply = await this.hear([PacketType.ChallengeReply], patienceMs);
    if (reply === undefined) return 'silence';
    const { challenge } = decodeChallengeReply(reply);
    const mine = this.#show(this.#manners.ciphers ?? [Cipher.Aes256Gcm]);
    this.send(
      encodeConnectRequest({
        clientConnectionId: this.id,
        challenge: this.#manners.isChallengeBroken ? challenge ^ (1n << 40n) : challenge,
        timestamp: 2n,
        ...mine,
      }),
    );
    const answer = await this.hear([PacketType.ConnectOk, PacketType.ConnectionClosed], patienceMs);
    if (answer === undefined) return 'silence';
    if (answer[0] === PacketType.ConnectionClosed) return decodeConnectionClosed(answer).reason;
    const ok = decodeConnectOk(answer);
    this.#remoteId = ok.serverConnectionId;
    this.#agree(mine, remoteOf(ok), 'client');
    return 'connected';
  }

  /** Server: takes the next client. */
  async serve(): Promise<void> {
    const { version = CURRENT_VERSION } = this.#manners;
    const protocolVersion = this.#manners.challengeVersion ?? version;
    this.#socket.once('message', (_, { address, port }: RemoteInfo) => {
      this.#to = { host: address, port };
    });
    const asked = await this.hear([PacketType.ChallengeRequest]);
    if (asked === undefined) throw new Error('nobody came');
    const { connectionId, timestamp } = decodeChallengeRequest(asked);
    const times = { challenge: 7n, yourTimestamp: timestamp };
    this.send(encodeChallengeReply({ connectionId, ...times, protocolVersion }));
    const bytes = await this.hear([PacketType.ConnectRequest], 1000);
    if (bytes === undefined) return; // it did not like the answer
    const request = decodeConnectRequest(bytes);
    const mine = this.#show(this.#manners.ciphers ?? [Cipher.Aes256Gcm]);
    this.#remoteId = request.clientConnectionId;
    this.send(
      encodeConnectOk({
        clientConnectionId: this.#remoteId,
        serverConnectionId: this.id,
        ...(request.timestamp === undefined ? {} : { yourTimestamp: request.timestamp }),
        delayUsec: 0,
        ...mine,
      }),
    );
    this.#agree(mine, remoteOf(request), 'server');
  }

  /** A data packet with these frames, under the next number. */
  sendFrames(...frames: readonly (readonly number[])[]): void {
    this.send(this.seal(frames.flat()));
    this.#number += 1;
  }

  /** The next data packet, not sent. */
  seal(plaintext: readonly number[]): Uint8Array {
    const target = new Uint8Array(1300);
    const at = encodeDataHeader(target, 0, this.#remoteId, this.#number, undefined, -1);
    const sealed = this.#sealer?.seal(this.#number, Uint8Array.from(plaintext), target, at) ?? 0;
    return target.subarray(0, at + sealed);
  }

  get ids(): { readonly to: number; readonly from: number } {
    return { to: this.#remoteId, from: this.id };
  }

  send(bytes: Uint8Array): void {
    this.#socket.send(bytes, this.#to?.port ?? 0, this.#to?.host ?? '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  #show(ciphers: readonly number[]): Shown {
    const {
      version = CURRENT_VERSION,
      appIds = [0],
      identity = 'str:raw',
      expiredSec,
    } = this.#manners;
    const seed = nodeCrypto.randomBytes(32);
    const publicKey = nodeCrypto.ed25519PublicKey(seed);
    const times =
      expiredSec === undefined
        ? {}
        : { timeCreatedSec: expiredSec - 100, timeExpirySec: expiredSec };
    const certBytes = encodeCert({ identity, publicKey, appIds, ...times });
    const ca =
      expiredSec === undefined
        ? {}
        : {
            ca: {
              keyId: 1n,
              signature: nodeCrypto.ed25519Sign(nodeCrypto.randomBytes(32), certBytes),
            },
          };
    const secret = nodeCrypto.randomBytes(32);
    const nonce = 77n;
    const infoBytes = encodeCryptInfo({
      publicKey: nodeCrypto.x25519PublicKey(secret),
      ...{ nonce, protocolVersion: version, ciphers },
    });
    const signature = nodeCrypto.ed25519Sign(seed, infoBytes);
    if (this.#manners.isSignatureBroken) signature[5] = (signature[5] ?? 0) ^ 1;
    const cert = encodeSignedCert({ certBytes, ...ca });
    const crypt = encodeSignedCryptInfo({ infoBytes, signature });
    return { secret, nonce, certBytes, infoBytes, cert, crypt };
  }

  #agree(mine: Shown, theirs: RemoteHandshake, role: 'client' | 'server'): void {
    const isClient = role === 'client';
    const keys = deriveSessionKeys(nodeCrypto, {
      secret: mine.secret,
      remotePublicKey: theirs.info.publicKey,
      clientNonce: isClient ? mine.nonce : theirs.info.nonce,
      serverNonce: isClient ? theirs.info.nonce : mine.nonce,
      clientConnectionId: isClient ? this.id : this.#remoteId,
      serverConnectionId: isClient ? this.#remoteId : this.id,
      clientCertBytes: isClient ? mine.certBytes : theirs.certBytes,
      serverCertBytes: isClient ? theirs.certBytes : mine.certBytes,
      clientInfoBytes: isClient ? mine.infoBytes : theirs.infoBytes,
      serverInfoBytes: isClient ? theirs.infoBytes : mine.infoBytes,
    });
    const [key, iv] = isClient
      ? [keys.clientToServerKey, keys.clientToServerIv]
      : [keys.serverToClientKey, keys.serverToClientIv];
    this.#sealer = new PacketCipher(Cipher.Aes256Gcm, () => nodeCrypto.packetAead(key, iv));
  }
}

function remoteOf(shown: Credentials): RemoteHandshake {
  const nowSec = Math.floor(Date.now() / 1000);
  return checkRemote(nodeCrypto, shown, {
    ...{ options: anyone, nowSec, addressIdentity: () => 'ip:127.0.0.1:1', isLoopback: true },
  });
}
