import { nodeCrypto } from 'partyline/node';
import { decodeCert } from 'partyline/protocol/cert';
import {
  Cipher,
  type ConnectOk,
  type ConnectRequest,
  type CryptInfo,
  DATA_PACKET,
  DataHeader,
  decodeChallengeReply,
  decodeChallengeRequest,
  decodeConnectionClosed,
  decodeConnectOk,
  decodeConnectRequest,
  decodeCryptInfo,
  decodeNoConnection,
  decodeRendezvous,
  decodeSignedCryptInfo,
  decodeStats,
  deriveSessionKeys,
  PacketCipher,
  PacketType,
  type Rendezvous,
} from 'partyline/protocol/gns';
import { FrameReader, nearestWithLowBits } from 'partyline/protocol/snp';
import { decodeStun, looksLikeStun } from 'partyline/protocol/stun';
import { describeFrames } from './frame-text.ts';
import { describeSignal, describeStun } from './p2p-text.ts';

/** Peers and secrets that are remembered; the oldest are forgotten first. */
const MAX_REMEMBERED = 16_384;

interface Direction {
  readonly cipher: PacketCipher;
  newest: number;
}

/** What a client shows first, by datagram or by signal. */
type Offer = Pick<ConnectRequest, 'clientConnectionId' | 'crypt' | 'cert'>;
/** What a server answers. */
type Answer = Pick<ConnectOk, 'serverConnectionId' | 'crypt' | 'cert'>;

interface Watched {
  readonly request: Offer;
  serverId: number;
  /** By the connection id that packets are sent to. */
  directions: Map<number, Direction>;
}

/** What one datagram says, for people. */
export interface Reading {
  readonly text: string;
  /** The decrypted payload of a data packet. */
  readonly plaintext?: Uint8Array;
}

/**
 * Reads GNS datagrams as a bystander who was given the session secrets of one side: handshakes in
 * clear, then the packets behind the encryption. It keeps its own state and touches no connection.
 */
export class WireReader {
  readonly #secrets = new Map<string, Uint8Array>();
  /** By the other end's address; what signals introduced, by the client's connection id. */
  readonly #watched = new Map<string, Watched>();
  /** P2P packets come from wherever ICE finds a way: by the connection id that they are sent to. */
  readonly #introduced = new Map<string, Direction>();
  readonly #header = new DataHeader();
  readonly #frames = new FrameReader();

  addSecret(publicKey: Uint8Array, secret: Uint8Array): void {
    remember(this.#secrets, hex(publicKey), secret);
  }

  /** `remote` names the other end, the same for both directions. Never throws for what is on the wire. */
  read(remote: string, bytes: Uint8Array): Reading {
    try {
      return this.#read(remote, bytes);
    } catch (error) {
      // Decoders throw for hostile bytes, key agreement for hostile keys: both are worth a line.
      return { text: unreadable(error) };
    }
  }

  /** A signal of P2P; it may be the handshake. Never throws for what is on the wire. */
  readSignal(bytes: Uint8Array): Reading {
    try {
      const signal = decodeRendezvous(bytes);
      return { text: `${describeSignal(signal)}${this.#introduce(signal)}` };
    } catch (error) {
      return { text: unreadable(error) };
    }
  }

  #introduce({ connectRequest, connectOk, ...ids }: Rendezvous): string {
    if (connectRequest !== undefined) {
      const request = { ...connectRequest, clientConnectionId: ids.fromConnectionId };
      const key = signalKey(ids.fromConnectionId);
      if (!this.#watched.has(key)) {
        remember(this.#watched, key, { request, serverId: 0, directions: new Map() });
      }
    }
    const watched = this.#watched.get(signalKey(ids.toConnectionId));
    if (connectOk === undefined || watched === undefined || watched.serverId !== 0) return '';
    const answer = { ...connectOk, serverConnectionId: ids.fromConnectionId };
    if (!this.#agree(watched, answer)) return '; its packets cannot be opened';
    for (const [id, direction] of watched.directions) {
      remember(this.#introduced, String(id), direction);
    }
    return '';
  }

  #read(remote: string, bytes: Uint8Array): Reading {
    if (looksLikeStun(bytes)) return { text: describeStun(decodeStun(bytes)) };
    const type = bytes[0] ?? 0;
    if (type >= DATA_PACKET) return this.#readData(remote, bytes);
    switch (type) {
      case PacketType.ChallengeRequest: {
        const { connectionId, protocolVersion } = decodeChallengeRequest(bytes);
        return { text: `ChallengeRequest from #${connectionId}, protocol ${protocolVersion}` };
      }
      case PacketType.ChallengeReply: {
        const { connectionId, challenge } = decodeChallengeReply(bytes);
        return { text: `ChallengeReply to #${connectionId}, challenge ${challenge.toString(16)}` };
      }
      case PacketType.ConnectRequest: {
        const request = decodeConnectRequest(bytes);
        // A client repeats its request: what was agreed on stays.
        const before = this.#watched.get(remote)?.request.clientConnectionId;
        if (before !== request.clientConnectionId) {
          remember(this.#watched, remote, { request, serverId: 0, directions: new Map() });
        }
        return { text: `ConnectRequest from #${request.clientConnectionId}, ${who(request)}` };
      }
      case PacketType.ConnectOk:
        return this.#readConnectOk(remote, decodeConnectOk(bytes));
      case PacketType.ConnectionClosed: {
        const { from, to, reason, debug } = decodeConnectionClosed(bytes);
        return {
          text: `ConnectionClosed from #${from} to #${to}, reason ${reason} ${JSON.stringify(debug)}`,
        };
      }
      case PacketType.NoConnection: {
        const { from, to } = decodeNoConnection(bytes);
        return { text: `NoConnection from #${from} to #${to}` };
      }
      default:
        return { text: `unknown type ${type}` };
    }
  }

  #readConnectOk(remote: string, ok: ConnectOk): Reading {
    const { clientConnectionId, serverConnectionId } = ok;
    const text = `ConnectOk from #${serverConnectionId} to #${clientConnectionId}, ${who(ok)}`;
    const watched = this.#watched.get(remote);
    if (watched === undefined || watched.serverId === serverConnectionId) return { text };
    const isOpened = this.#agree(watched, ok);
    return { text: isOpened ? text : `${text}; its packets cannot be opened` };
  }

  #agree(watched: Watched, ok: Answer): boolean {
    const { request } = watched;
    const client = cryptOf(request.crypt);
    const server = cryptOf(ok.crypt);
    const clientSecret = this.#secrets.get(hex(client.info.publicKey));
    const secret = clientSecret ?? this.#secrets.get(hex(server.info.publicKey));
    if (secret === undefined) return false;
    const keys = deriveSessionKeys(nodeCrypto, {
      secret,
      remotePublicKey: (clientSecret === undefined ? client : server).info.publicKey,
      clientNonce: client.info.nonce,
      serverNonce: server.info.nonce,
      clientConnectionId: request.clientConnectionId,
      serverConnectionId: ok.serverConnectionId,
      clientCertBytes: decodeCert(request.cert).certBytes,
      serverCertBytes: decodeCert(ok.cert).certBytes,
      clientInfoBytes: client.infoBytes,
      serverInfoBytes: server.infoBytes,
    });
    const cipher = server.info.ciphers[0] === Cipher.Null ? Cipher.Null : Cipher.Aes256Gcm;
    const direction = (key: Uint8Array, iv: Uint8Array): Direction => ({
      cipher: new PacketCipher(cipher, () => nodeCrypto.packetAead(key, iv)),
      newest: 1,
    });
    watched.serverId = ok.serverConnectionId;
    watched.directions = new Map([
      [ok.serverConnectionId, direction(keys.clientToServerKey, keys.clientToServerIv)],
      [request.clientConnectionId, direction(keys.serverToClientKey, keys.serverToClientIv)],
    ]);
    return true;
  }

  #readData(remote: string, bytes: Uint8Array): Reading {
    const header = this.#header;
    header.decode(bytes);
    const direction =
      this.#watched.get(remote)?.directions.get(header.toConnectionId) ??
      this.#introduced.get(String(header.toConnectionId));
    const about = `data to #${header.toConnectionId}`;
    if (direction === undefined)
      return { text: `${about}, packet ${header.packetNumber} mod 65536` };
    const number = nearestWithLowBits(header.packetNumber, 16, direction.newest);
    const plaintext = direction.cipher.open(number, bytes.subarray(header.bodyAt));
    if (plaintext === undefined) return { text: `${about}, packet ${number}: forged or damaged` };
    direction.newest = Math.max(direction.newest, number);
    const frames = describeFrames(this.#frames, plaintext, number);
    const stats = header.stats === undefined ? [] : [describeStats(header.stats)];
    return { text: [`${about}, packet ${number}`, ...stats, ...frames].join(' | '), plaintext };
  }
}

function signalKey(clientConnectionId: number): string {
  return `signal ${clientConnectionId}`;
}

function unreadable(error: unknown): string {
  return `unreadable: ${error instanceof Error ? error.message : String(error)}`;
}

function describeStats(bytes: Uint8Array): string {
  const { flags, instantaneous, lifetime } = decodeStats(bytes);
  const parts = [`flags ${flags}`];
  if (instantaneous !== undefined) parts.push(`ping ${instantaneous.pingMs} ms`);
  if (lifetime !== undefined) parts.push(`lifetime of ${lifetime.connectedSeconds} s`);
  return `stats ${parts.join(', ')}`;
}

function cryptOf(bytes: Uint8Array): { infoBytes: Uint8Array; info: CryptInfo } {
  const { infoBytes } = decodeSignedCryptInfo(bytes);
  return { infoBytes, info: decodeCryptInfo(infoBytes) };
}

/** Only what the peer says of itself: a bystander believes no certificate. */
function who({ cert, identity }: ConnectRequest | ConnectOk): string {
  const signed = decodeCert(cert);
  const name = signed.cert.identity ?? identity ?? 'nobody in particular';
  return `${name} (certificate ${signed.ca === undefined ? 'unsigned' : 'signed'})`;
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= MAX_REMEMBERED) break;
    map.delete(oldest);
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
