import type { Cipher } from './crypt-share.ts';
import type { GnsCrypto, LocalHandshake, RemoteHandshake } from './handshake.ts';
import { deriveSessionKeys } from './key-schedule.ts';
import { PacketCipher } from './packet-cipher.ts';

/** One end of a key agreement. */
export interface AgreementSide {
  readonly role: 'client' | 'server';
  readonly id: number;
  readonly remoteId: number;
  readonly handshake: LocalHandshake;
  readonly remote: RemoteHandshake;
}

export interface SessionCiphers {
  readonly sealer: PacketCipher;
  readonly opener: PacketCipher;
}

/** Both directions, from what both sides have shown. */
export function agreeOnCiphers(
  crypto: GnsCrypto,
  cipher: Cipher,
  { role, id, remoteId, handshake, remote }: AgreementSide,
): SessionCiphers {
  const isClient = role === 'client';
  const keys = deriveSessionKeys(crypto, {
    secret: handshake.secret,
    remotePublicKey: remote.info.publicKey,
    clientNonce: isClient ? handshake.nonce : remote.info.nonce,
    serverNonce: isClient ? remote.info.nonce : handshake.nonce,
    clientConnectionId: isClient ? id : remoteId,
    serverConnectionId: isClient ? remoteId : id,
    clientCertBytes: isClient ? handshake.certBytes : remote.certBytes,
    serverCertBytes: isClient ? remote.certBytes : handshake.certBytes,
    clientInfoBytes: isClient ? handshake.infoBytes : remote.infoBytes,
    serverInfoBytes: isClient ? remote.infoBytes : handshake.infoBytes,
  });
  const up = new PacketCipher(crypto, cipher, keys.clientToServerKey, keys.clientToServerIv);
  const down = new PacketCipher(crypto, cipher, keys.serverToClientKey, keys.serverToClientIv);
  return isClient ? { sealer: up, opener: down } : { sealer: down, opener: up };
}
