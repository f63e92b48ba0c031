import type { GnsConfig } from './config.ts';
import type { Cipher } from './crypt-share.ts';
import { EndReason } from './end-reason.ts';
import {
  type GnsCrypto,
  HandshakeRefusal,
  type LocalHandshake,
  type LocalIdentity,
  makeHandshake,
  type RemoteHandshake,
} from './handshake.ts';
import type { Credentials } from './messages.ts';
import { ciphersOf } from './options.ts';
import { LANES_VERSION } from './protocol.ts';
import { agreeOnCiphers, type SessionCiphers } from './session-ciphers.ts';
import type { SpareShare } from './spare-share.ts';

export interface IntroductionSetup {
  readonly crypto: GnsCrypto;
  readonly local: LocalIdentity;
  readonly config: GnsConfig;
  /** Server: where a share may be ready. Default: one is made when it is needed. */
  readonly spare?: SpareShare;
}

/**
 * What both sides of a connection show each other before there are keys, and the agreement that
 * comes of it. Whether it travels by UDP or by signals is not known here.
 */
export class Introduction {
  readonly #setup: IntroductionSetup;
  #handshake: LocalHandshake | undefined;
  #remote: RemoteHandshake | undefined;
  #cipher: Cipher | undefined;

  constructor(setup: IntroductionSetup) {
    this.#setup = setup;
  }

  /** What the peer showed, checked. */
  get remote(): RemoteHandshake | undefined {
    return this.#remote;
  }

  /** `undefined` before it is agreed on. */
  get cipher(): Cipher | undefined {
    return this.#cipher;
  }

  /** What we have shown, or decided to show. */
  get shown(): Credentials | undefined {
    return this.#handshake?.credentials;
  }

  /** Client: what a request shows; made once, so that repeated requests are the same. */
  offer(): Credentials {
    const { crypto, local } = this.#setup;
    this.#setup.config.lock();
    this.#handshake ??= makeHandshake(crypto, local, this.#ciphers());
    return this.#handshake.credentials;
  }

  /** Server: who asks. */
  meet(remote: RemoteHandshake): void {
    this.#remote = remote;
  }

  /** Server: takes the first cipher of ours that the client has. @throws HandshakeRefusal */
  answer(): void {
    this.#setup.config.lock();
    const theirs = this.#remote?.info.ciphers ?? [];
    const cipher = this.#ciphers().find((ours) => theirs.includes(ours));
    if (cipher === undefined) {
      const why = 'Failed to negotiate mutually-agreeable cipher';
      throw new HandshakeRefusal(EndReason.RemoteBadCrypt, why);
    }
    this.#cipher = cipher;
    const { crypto, local, spare } = this.#setup;
    this.#handshake = spare?.take(cipher) ?? makeHandshake(crypto, local, [cipher]);
  }

  /** Client: the server has answered. @throws HandshakeRefusal */
  conclude(remote: RemoteHandshake): void {
    this.#remote = remote;
    const [chosen, second] = remote.info.ciphers;
    const cipher = this.#ciphers().find((ours) => ours === chosen);
    if (second !== undefined || cipher === undefined) {
      const why = 'Server must select exactly one of our ciphers';
      throw new HandshakeRefusal(EndReason.RemoteBadCrypt, why);
    }
    this.#cipher = cipher;
  }

  /** @throws HandshakeRefusal for more lanes than the peer's version knows. */
  checkLanes(count: number): void {
    const version = this.#remote?.info.protocolVersion;
    if (count === 1 || version === undefined || version >= LANES_VERSION) return;
    const why = 'Peer is using old protocol and cannot receive multiple lanes';
    throw new HandshakeRefusal(EndReason.RemoteBadProtocolVersion, why);
  }

  /** Both directions; both sides have shown themselves. Call once: our secret is good for one agreement. */
  ciphers(role: 'client' | 'server', id: number, remoteId: number): SessionCiphers {
    const handshake = this.#handshake;
    const remote = this.#remote;
    const cipher = this.#cipher;
    if (handshake === undefined || remote === undefined || cipher === undefined) {
      throw new Error('keys before both sides have shown themselves');
    }
    return agreeOnCiphers(this.#setup.crypto, cipher, { role, id, remoteId, handshake, remote });
  }

  #ciphers(): readonly Cipher[] {
    return ciphersOf(this.#setup.config.values.unencrypted);
  }
}
