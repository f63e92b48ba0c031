import { NetError } from '../base/index.ts';
import { type PeerId, SERVER } from '../multiplayer/index.ts';
import { refusalOf } from './admission.ts';
import type { LinkMessage } from './link-receiver.ts';
import { LinkedPeer, type LinkedPeerOptions, type Remote } from './linked-peer.ts';
import { STAR_PROTOCOL_VERSION, type StarMessage } from './star-messages.ts';
import type { Wire, WireHandlers } from './wire.ts';

/**
 * One of a mesh: a link of its own to every other peer, and nobody in the middle. Both sides of a
 * link admit each other; who a message is from is the link it came by (docs/wire/link.md#mesh).
 */
export class MeshPeer extends LinkedPeer {
  readonly isServerRelaySupported = false;
  /** What those who are not admitted yet have said so far. */
  readonly #arriving = new Map<PeerId, { isAccepted: boolean; isWelcome: boolean }>();

  /** @throws NetError `OPTIONS_INVALID` when `id` is not 1 to 2^31 - 1 */
  constructor(id: PeerId, options: LinkedPeerOptions) {
    if (!Number.isInteger(id) || id < 1 || id > 0x7fff_ffff) {
      throw new NetError('OPTIONS_INVALID', `an id is 1 to 2147483647, not ${id}`);
    }
    super(id, 'connected', options);
  }

  get peers(): readonly PeerId[] {
    return this.admitted.map(({ id }) => id).sort((a, b) => a - b);
  }

  /**
   * Godot's `add_mesh_peer`: links this peer with another one, by a wire that the two have to
   * themselves; `openWire` gets what the wire's events go to. A link ends with its only wire.
   * @throws NetError `OPTIONS_INVALID` when there is a peer of this id
   */
  addPeer(id: PeerId, openWire: (handlers: WireHandlers) => Wire): void {
    this.openLink(id, { onWireLost: (_wire, reason) => this.closeLink(id, reason) });
    let wire: Wire | undefined;
    const handlers = this.wireHandlers(id, () => wire);
    if (!handlers) return; // opened above
    wire = openWire(handlers);
    this.attach(id, wire);
  }

  /** The other side hears the reason, and does not connect again by itself. */
  disconnectPeer(id: PeerId, reason = 'disconnected by the other side'): void {
    const remote = this.remotes.get(id);
    if (!remote?.isAdmitted) throw this.unknown(id);
    this.#dismiss(remote, reason);
  }

  /** There is nobody to introduce to whom: all meet by themselves. */
  introduce(id: PeerId): void {
    if (!this.remotes.get(id)?.isAdmitted) throw this.unknown(id);
  }

  protected override handleOpened(remote: Remote): void {
    this.#arriving.set(remote.id, { isAccepted: false, isWelcome: false });
    this.awaitHello(remote);
    this.say(remote, { type: 'hello', version: STAR_PROTOCOL_VERSION, schema: this.schema });
  }

  protected override handleStarMessage(remote: Remote, message: StarMessage): void {
    const arriving = this.#arriving.get(remote.id);
    if (message.type === 'leaving') {
      remote.isFinal = true;
    } else if (message.type === 'hello' && arriving?.isAccepted === false) {
      this.#handleHello(remote, message, arriving);
    } else if (message.type === 'welcome' && arriving?.isWelcome === false) {
      arriving.isWelcome = true;
      if (arriving.isAccepted) this.#admit(remote);
    } else this.countMalformed();
  }

  protected override handleMessage(sender: Remote, message: LinkMessage): void {
    if (message.peer === SERVER) this.deliver(sender.id, message);
    else this.countMalformed();
  }

  protected override handleEnded({ id, isAdmitted }: Remote, reason: string): void {
    this.#arriving.delete(id);
    if (isAdmitted) this.announceDisconnected(id, reason);
  }

  protected override handleClosing(): void {
    for (const remote of this.remotes.values()) this.#sayLeaving(remote);
  }

  protected override handleClosed(remotes: readonly Remote[], reason: string): void {
    this.#arriving.clear();
    for (const { id, isAdmitted } of remotes) if (isAdmitted) this.announceDisconnected(id, reason);
  }

  #handleHello(
    remote: Remote,
    hello: Extract<StarMessage, { type: 'hello' }>,
    arriving: { isAccepted: boolean; readonly isWelcome: boolean },
  ): void {
    const refusal = refusalOf(hello, {
      refuses: this.refuseNewConnections,
      schema: this.schema,
      own: `peer ${this.id}`,
      other: `peer ${remote.id}`,
    });
    if (refusal !== undefined) {
      this.logger.info({ peer: remote.id, refusal }, 'peer refused');
      this.#dismiss(remote, refusal);
      return;
    }
    arriving.isAccepted = true;
    this.say(remote, { type: 'welcome' });
    if (arriving.isWelcome) this.#admit(remote);
  }

  /** Both accepted each other. What is sent from now on stands behind our welcome, so the other side knows us first. */
  #admit(remote: Remote): void {
    this.#arriving.delete(remote.id);
    remote.cancelHello?.();
    remote.isAdmitted = true;
    this.emitter.emit('peerConnected', { id: remote.id });
  }

  #dismiss(remote: Remote, reason: string): void {
    this.#sayLeaving(remote);
    this.closeLink(remote.id, reason);
  }

  #sayLeaving(remote: Remote): void {
    this.say(remote, { type: 'leaving' });
    remote.isFinal = true;
  }
}

/** Godot's `create_mesh`: a peer with this id, connected at once, alone until {@link MeshPeer.addPeer}. @throws NetError `OPTIONS_INVALID` */
export function createMesh(id: PeerId, options: LinkedPeerOptions): MeshPeer {
  return new MeshPeer(id, options);
}
