import type { Cancel } from '../base/index.ts';
import { EVERYONE, type PeerId, SERVER } from '../multiplayer/index.ts';
import { refusalOf } from './admission.ts';
import type { MessageHeader } from './link-frames.ts';
import type { LinkMessage } from './link-receiver.ts';
import { LinkedPeer, type LinkedPeerOptions, type Remote } from './linked-peer.ts';
import type { StarMessage } from './star-messages.ts';

/** A receiver that holds up relayed reliable messages for so long is disconnected, in milliseconds. */
export const SLOW_RECEIVER_MS = 10_000;

/**
 * The middle of a star: admits clients, tells them of each other, relays between them. It stamps
 * the source of what it relays, so no client can speak for another (docs/wire/link.md#star).
 */
export class HostPeer extends LinkedPeer {
  readonly isServerRelaySupported = true;
  readonly #introduced = new Set<PeerId>();
  /** A receiver without room → the senders that are held back until it has some. */
  readonly #slow = new Map<PeerId, { readonly senders: Set<PeerId>; readonly cancel: Cancel }>();
  #dropped = 0;

  constructor(options: LinkedPeerOptions) {
    super(SERVER, 'connected', options);
  }

  get peers(): readonly PeerId[] {
    return this.admitted.map(({ id }) => id).sort((a, b) => a - b);
  }

  /** Relayed messages to nobody, or to somebody who just left. */
  get dropped(): number {
    return this.#dropped;
  }

  disconnectPeer(id: PeerId, reason = 'disconnected by the host'): void {
    if (!this.remotes.get(id)?.isAdmitted) throw this.unknown(id);
    this.closeLink(id, reason);
  }

  introduce(id: PeerId): void {
    const remote = this.remotes.get(id);
    if (!remote?.isAdmitted) throw this.unknown(id);
    if (this.#introduced.has(id)) return;
    for (const other of this.#introducedRemotes()) {
      this.say(other, { type: 'joined', id });
      this.say(remote, { type: 'joined', id: other.id });
    }
    this.#introduced.add(id);
  }

  protected override handleOpened(remote: Remote): void {
    this.awaitHello(remote);
  }

  protected override handleStarMessage(remote: Remote, message: StarMessage): void {
    if (message.type !== 'hello' || remote.isAdmitted) {
      this.countMalformed();
      return;
    }
    remote.cancelHello?.();
    const refusal = refusalOf(message, {
      refuses: this.refuseNewConnections,
      schema: this.schema,
      own: 'the host',
      other: 'this client',
    });
    if (refusal !== undefined) {
      this.logger.info({ peer: remote.id, refusal }, 'peer refused');
      this.closeLink(remote.id, refusal);
      return;
    }
    remote.isAdmitted = true;
    this.say(remote, { type: 'welcome' });
    this.emitter.emit('peerConnected', { id: remote.id });
    // A listener may have closed or introduced it.
    if (!this.holdIntroductions && this.remotes.get(remote.id) === remote)
      this.introduce(remote.id);
  }

  protected override handleMessage(sender: Remote, message: LinkMessage): void {
    const { peer: to } = message;
    if (to === SERVER) {
      this.deliver(sender.id, message);
      return;
    }
    if (to === sender.id) {
      this.countMalformed();
      return;
    }
    if (to <= EVERYONE && to !== -SERVER) this.deliver(sender.id, message);
    if (!this.#introduced.has(sender.id)) return;
    if (to > EVERYONE) this.#relayToOne(sender, to, message);
    else for (const other of this.#receiversOf(sender.id, to)) this.#relay(sender, other, message);
  }

  protected override handleEnded(remote: Remote, reason: string): void {
    const { id, isAdmitted } = remote;
    this.#forgetSlow(id);
    for (const slow of this.#slow.values()) slow.senders.delete(id);
    if (this.#introduced.delete(id)) {
      for (const other of this.#introducedRemotes()) this.say(other, { type: 'left', id, reason });
    }
    if (isAdmitted) this.announceDisconnected(id, reason);
  }

  protected override handleClosed(remotes: readonly Remote[], reason: string): void {
    for (const { cancel } of this.#slow.values()) cancel();
    this.#slow.clear();
    this.#introduced.clear();
    for (const { id, isAdmitted } of remotes) if (isAdmitted) this.announceDisconnected(id, reason);
  }

  protected override handleDrained(remote: Remote): void {
    if (this.#slow.has(remote.id) && remote.link.isDrained) this.#forgetSlow(remote.id);
  }

  protected override updatePause(remote: Remote): void {
    for (const { senders } of this.#slow.values()) {
      if (senders.has(remote.id)) {
        remote.link.pauseReceiving();
        return;
      }
    }
    super.updatePause(remote);
  }

  #relayToOne(sender: Remote, to: PeerId, message: LinkMessage): void {
    const receiver = this.remotes.get(to);
    if (receiver && this.#introduced.has(to)) this.#relay(sender, receiver, message);
    else this.#dropped++;
  }

  #relay(sender: Remote, receiver: Remote, message: LinkMessage): void {
    const { mode, channel, bytes } = message;
    const header: MessageHeader = { mode, channel, peer: sender.id, system: false };
    receiver.link.send(header, bytes);
    if (mode === 'reliable' && !receiver.link.hasRoom(0)) this.#holdBack(sender, receiver);
  }

  /** Reliable messages are never dropped: who fills a receiver's queue must wait, and the receiver has a time to catch up. */
  #holdBack(sender: Remote, receiver: Remote): void {
    let slow = this.#slow.get(receiver.id);
    if (!slow) {
      const cancel = this.scheduler.after(SLOW_RECEIVER_MS, () => {
        this.closeLink(receiver.id, 'this peer does not keep up');
      });
      slow = { senders: new Set(), cancel };
      this.#slow.set(receiver.id, slow);
    }
    slow.senders.add(sender.id);
    this.updatePause(sender);
  }

  #forgetSlow(id: PeerId): void {
    const slow = this.#slow.get(id);
    if (!slow) return;
    slow.cancel();
    this.#slow.delete(id);
    for (const sender of slow.senders) {
      const remote = this.remotes.get(sender);
      if (remote) this.updatePause(remote);
    }
  }

  #introducedRemotes(): Remote[] {
    return [...this.remotes.values()].filter(({ id }) => this.#introduced.has(id));
  }

  #receiversOf(sender: PeerId, to: PeerId): Remote[] {
    return this.#introducedRemotes().filter(({ id }) => id !== sender && id !== -to);
  }
}
