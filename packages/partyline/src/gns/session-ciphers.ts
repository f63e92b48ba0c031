import type { Cipher } from './crypt-share.ts';
import type { GnsCrypto, LocalHandshake, RemoteHandshake } from './handshake.ts';
import { deriveSessionKeys, type KeyAgreement, type SessionKeys } from './key-schedule.ts';
import { PacketCipher } from './packet-cipher.ts';

/** One end of a key agreement. */
export interface AgreementSide {
  readonly role: 'client' | 'server';
  readonly id: number;
  readonly remoteId: number;
  readonly handshake: LocalHandshake;
  readonly remote: RemoteHandshake;
}

/** Both directions, from what both sides have shown. */
export interface SessionCiphers {
  readonly sealer: PacketCipher;
  readonly opener: PacketCipher;
}

/**
 * The keys are derived when the first packet needs them or {@link PacketCipher.prepare} asks, so
 * that a server's answer does not wait for them. Our secret is wiped with that. It cannot fail by
 * then: keys of low order were refused when they were read.
 */
export function agreeOnCiphers(
  crypto: GnsCrypto,
  cipher: Cipher,
  side: AgreementSide,
): SessionCiphers {
  let keys: SessionKeys | undefined;
  const derived = (): SessionKeys => {
    if (keys !== undefined) return keys;
    keys = deriveSessionKeys(crypto, agreementOf(side));
    side.handshake.secret.fill(0);
    return keys;
  };
  const up = new PacketCipher(cipher, () =>
    crypto.packetAead(derived().clientToServerKey, derived().clientToServerIv),
  );
  const down = new PacketCipher(cipher, () =>
    crypto.packetAead(derived().serverToClientKey, derived().serverToClientIv),
  );
  return side.role === 'client' ? { sealer: up, opener: down } : { sealer: down, opener: up };
}

function agreementOf({ role, id, remoteId, handshake, remote }: AgreementSide): KeyAgreement {
  const isClient = role === 'client';
  return {
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
  };
}
