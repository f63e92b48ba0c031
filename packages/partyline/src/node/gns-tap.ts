import type { GnsCrypto, UdpAddress } from '../gns/index.ts';

/** Looks at what a socket sends and receives, for traces; it can change nothing. */
export interface GnsTap {
  /**
   * A datagram as it stands on the wire, after the fake network on the way out and before it on
   * the way in; of P2P's relays what they carry, as if it left by the relayed address. The bytes are
   * good during the call only.
   */
  datagram(direction: 'in' | 'out', local: UdpAddress, remote: UdpAddress, bytes: Uint8Array): void;
  /** P2P: a signal that we gave to the signaling for `peer`, or that came; `''` where nobody vouches for the sender. */
  signal?(direction: 'in' | 'out', peer: string, bytes: Uint8Array): void;
  /**
   * Our X25519 secret of one connection, by its public key: together with the handshake's datagrams
   * it opens all packets of that connection, and of no other.
   */
  sessionSecret(publicKey: Uint8Array, secret: Uint8Array): void;
}

/** Tells each session secret when its public key is made. */
export function tappedCrypto(crypto: GnsCrypto, tap: Pick<GnsTap, 'sessionSecret'>): GnsCrypto {
  return {
    ...crypto,
    x25519PublicKey: (secret) => {
      const publicKey = crypto.x25519PublicKey(secret);
      tap.sessionSecret(publicKey, secret.slice());
      return publicKey;
    },
  };
}
