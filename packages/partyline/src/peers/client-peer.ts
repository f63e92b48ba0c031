import { NetError } from '../base/index.ts';
import { EVERYONE, type PeerId, SERVER } from '../multiplayer/index.ts';
import type { LinkMessage } from './link-receiver.ts';
import { LinkedPeer, type LinkedPeerOptions, type Remote } from './linked-peer.ts';
import { MAX_OTHER_CLIENTS, STAR_PROTOCOL_VERSION, type StarMessage } from './star-messages.ts';

/** One link, to the host; knows the other clients by what the host says. */
export class ClientPeer extends LinkedPeer {
  readonly isServerRelaySupported = true;
  readonly #others = new Set<PeerId>();
  /** The game was told that the host is connected. */
  #isHostAnnounced = false;

  /** @throws NetError `OPTIONS_INVALID` when `id` is not a client's: 2 to 2^31 - 1 */
  constructor(id: PeerId, options: LinkedPeerOptions) {
    if (!Number.isInteger(id) || id < 2 || id > 0x7fff_ffff) {
      throw new NetError('OPTIONS_INVALID', `a client's id is 2 to 2147483647, not ${id}`);
    }
    super(id, 'connecting', options);
  }

  get peers(): readonly PeerId[] {
    return this.#host ? [SERVER, ...[...this.#others].sort((a, b) => a - b)] : [];
  }

  /** A client can only leave the host, which closes it. */
  disconnectPeer(id: PeerId, reason?: string): void {
    if (id !== SERVER || !this.#host) throw this.unknown(id);
    void this.close(reason);
  }

  introduce(id: PeerId): void {
    throw this.unknown(id);
  }

  get #host(): Remote | undefined {
    const host = this.remotes.get(SERVER);
    return host?.isAdmitted ? host : undefined;
  }

  protected override handleOpened(remote: Remote): void {
    this.say(remote, { type: 'hello', version: STAR_PROTOCOL_VERSION, schema: this.schema });
  }

  /** Everything goes to the host, which knows where to. */
  protected override routesTo(to: PeerId): readonly Remote[] {
    const host = this.#host;
    const known = to <= EVERYONE || to === SERVER || this.#others.has(to);
    if (!host || !known) throw this.unknown(to);
    return [host];
  }

  protected override addressFor(to: PeerId): PeerId {
    return to;
  }

  protected override handleStarMessage(remote: Remote, message: StarMessage): void {
    if (message.type === 'welcome' && !remote.isAdmitted) {
      remote.isAdmitted = true;
      this.setStatus('connected');
      if (this.status !== 'connected') return; // a listener closed it
      this.#isHostAnnounced = true;
      this.emitter.emit('peerConnected', { id: SERVER });
    } else if (message.type === 'joined' && remote.isAdmitted && this.#isNew(message.id)) {
      this.#others.add(message.id);
      this.emitter.emit('peerConnected', { id: message.id });
    } else if (message.type === 'left' && this.#others.delete(message.id)) {
      this.announceDisconnected(message.id, message.reason);
    } else this.countMalformed();
  }

  protected override handleMessage(_host: Remote, message: LinkMessage): void {
    const { peer: from } = message;
    if (from === SERVER || this.#others.has(from)) this.deliver(from, message);
    // else: an unreliable message that came before its sender was introduced, or after it left
  }

  protected override handleEnded(_host: Remote, reason: string): void {
    this.#announceAllGone(reason);
    this.setStatus('disconnected', reason);
  }

  protected override handleClosed(_remotes: readonly Remote[], reason: string): void {
    this.#announceAllGone(reason);
  }

  #announceAllGone(reason: string): void {
    const wasAnnounced = this.#isHostAnnounced;
    this.#isHostAnnounced = false;
    const others = [...this.#others].sort((a, b) => a - b);
    this.#others.clear();
    for (const id of others) this.announceDisconnected(id, reason);
    if (wasAnnounced) this.announceDisconnected(SERVER, reason);
  }

  #isNew(id: PeerId): boolean {
    return id !== this.id && !this.#others.has(id) && this.#others.size < MAX_OTHER_CLIENTS;
  }
}
