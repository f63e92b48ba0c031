import { Emitter } from '../base/index.ts';
import type { VerifiedCert } from '../cert/verify/index.ts';
import {
  type MemberId,
  openSignal,
  type Signaling,
  type SignalingEvents,
  signSignal,
} from '../signaling/index.ts';
import type { SessionPort } from './session-port.ts';

/** What signaling needs of its lobby, as of now. */
export interface SignalingLobby {
  readonly id: string;
  readonly epoch: number;
  readonly me: { readonly id: MemberId };
  has(member: MemberId): boolean;
  /** @throws NetError `CERT_INVALID` */
  identityOf(member: MemberId): VerifiedCert;
}

/** Signals of one lobby: signed on the way out, verified on the way in; of the current epoch only. */
export class LobbySignaling implements Signaling {
  readonly #events = new Emitter<SignalingEvents>();
  readonly #port: SessionPort;
  readonly #lobby: SignalingLobby;

  constructor(port: SessionPort, lobby: SignalingLobby) {
    this.#port = port;
    this.#lobby = lobby;
  }

  get events(): Pick<Emitter<SignalingEvents>, 'on'> {
    return this.#events;
  }

  /**
   * Best effort: to somebody who just left it is dropped and counted.
   * @throws NetError `SIGNAL_REFUSED` when over `MAX_SIGNAL_PAYLOAD_BYTES`
   */
  send(to: MemberId, payload: Uint8Array): void {
    const { app, counts } = this.#port;
    const { id, epoch, me } = this.#lobby;
    if (!this.#lobby.has(to) || to === me.id) {
      counts.signalsDropped++;
      return;
    }
    const scope = { app, lobby: id, epoch, from: me.id, to };
    const signed = signSignal((bytes) => this.#port.sign(bytes), scope, payload);
    this.#port.sendSignal(to, signed);
  }

  /** A signal that the server says is from a member of this lobby. */
  handleSignal(from: MemberId, bytes: Uint8Array): void {
    const { app, counts, crypto } = this.#port;
    const { id, epoch, me } = this.#lobby;
    const scope = { app, lobby: id, epoch, from, to: me.id };
    const sender = this.#identityOf(from);
    const { payload } = openSignal(
      (envelope, signature) =>
        sender !== undefined && crypto.ed25519Verify(sender.publicKey, envelope, signature),
      scope,
      bytes,
    );
    if (payload) this.#events.emit('signal', { from, payload });
    else counts.signalsRefused++;
  }

  #identityOf(member: MemberId): VerifiedCert | undefined {
    try {
      return this.#lobby.identityOf(member);
    } catch (err) {
      this.#port.logger.debug({ err, member }, 'a member without a valid certificate');
      return undefined;
    }
  }
}
