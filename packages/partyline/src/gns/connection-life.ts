import type { Millis } from '../base/index.ts';
import { CloseNotice } from './close-notice.ts';
import { type ConnectionState, nextConnectionState } from './connection-state.ts';
import { applicationReason, EndReason } from './end-reason.ts';
import { decodeConnectionClosed, decodeNoConnection } from './messages.ts';
import { FIN_WAIT_MS, MAX_DEBUG_CHARACTERS } from './protocol.ts';

/** `previous` to `state`; `reason` and `debug` say why once it has ended. */
export interface StateChange {
  readonly state: ConnectionState;
  readonly previous: ConnectionState;
  readonly reason: number;
  readonly debug: string;
}

/**
 * Where a connection stands in GNS's states, why it ended, and what the peer is told of the end:
 * docs/states/gns-connection.md. Knows neither keys nor messages.
 */
export class ConnectionLife {
  readonly #id: number;
  /** The peer's id; 0 until it is known. */
  remoteId = 0;
  #state: ConnectionState = 'none';
  #enteredAt: Millis = 0;
  #reason = 0;
  #debug = '';
  /** What the peer is told of the end: that we closed (36), or that we know it closed (37). */
  #isClosedByPeer = false;
  readonly #notice = new CloseNotice();
  readonly #changes: StateChange[] = [];

  constructor(now: Millis, id: number) {
    this.#id = id;
    this.enter(now, 'connecting');
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** When the state was entered. */
  get enteredAt(): Millis {
    return this.#enteredAt;
  }

  get reason(): number {
    return this.#reason;
  }

  get debug(): string {
    return this.#debug;
  }

  /** Keys are agreed on and packets go both ways. */
  get isActive(): boolean {
    const state = this.#state;
    return state === 'connected' || state === 'linger' || state === 'findingRoute';
  }

  get isStarting(): boolean {
    return this.#state === 'connecting' || this.#state === 'findingRoute';
  }

  pollChange(): StateChange | undefined {
    return this.#changes.length === 0 ? undefined : this.#changes.shift();
  }

  enter(now: Millis, to: ConnectionState): void {
    const previous = this.#state;
    this.#state = nextConnectionState(previous, to);
    this.#enteredAt = now;
    this.#changes.push({ state: to, previous, reason: this.#reason, debug: this.#debug });
  }

  /** The application ends it; `mustLinger` while something reliable has yet to arrive. */
  close(now: Millis, reason: number, debug: string, mustLinger: boolean): void {
    const state = this.#state;
    if (state === 'finWait' || state === 'dead' || state === 'linger') return;
    const isOpen = this.isStarting || this.isActive;
    if (isOpen) this.#note(applicationReason(reason), debug);
    if (mustLinger && state === 'connected') {
      this.enter(now, 'linger');
      return;
    }
    if (isOpen) this.#tellClosed(now);
    this.enter(now, 'finWait');
  }

  /** We found a problem. */
  fail(now: Millis, reason: number, debug: string): void {
    if (!this.isStarting && !this.isActive) return;
    this.#note(reason, debug);
    this.#tellClosed(now);
    this.enter(now, this.#state === 'linger' ? 'finWait' : 'problemDetectedLocally');
  }

  /** The peer ended it (GNS `ConnectionState_ClosedByPeer`). */
  peerClosed(now: Millis, reason: number, debug: string): void {
    if (this.#state === 'linger') {
      this.#isClosedByPeer = true;
      this.enter(now, 'finWait');
    } else if (this.isStarting || this.isActive) {
      this.#isClosedByPeer = true;
      this.#note(reason, debug === '' ? 'The remote host closed the connection.' : debug);
      this.enter(now, 'closedByPeer');
    }
  }

  /** All that was to arrive has arrived. */
  endLinger(now: Millis): void {
    this.#tellClosed(now);
    this.enter(now, 'finWait');
  }

  /** Takes a ConnectionClosed (36); false when it is of another connection. @throws DecodeError */
  handleClosed(now: Millis, datagram: Uint8Array): boolean {
    const { to, from, reason, debug } = decodeConnectionClosed(datagram);
    // A client that gives up early does not know our id yet.
    const isOurs = to === this.#id || (to === 0 && from !== 0 && from === this.remoteId);
    if (!isOurs) return false;
    this.#notice.answer(to, from);
    this.#notice.acknowledged();
    this.peerClosed(now, reason, debug);
    return true;
  }

  /** Takes a NoConnection (37); false when it is of another connection. @throws DecodeError */
  handleNoConnection(now: Millis, datagram: Uint8Array): boolean {
    const { to, from } = decodeNoConnection(datagram);
    if (to !== this.#id || from !== this.remoteId) return false;
    this.#notice.acknowledged();
    if (this.#state === 'finWait') {
      // GNS waits on; but both sides know, and an address that is free again can be dialled from.
      this.enter(now, 'dead');
    } else {
      const debug = "Received unexpected 'no connection' from peer";
      this.peerClosed(now, EndReason.MiscPeerSentNoConnection, debug);
    }
    return true;
  }

  /** The peer, proved to be it, does not know yet that the connection is over. */
  answerStray(): void {
    if (this.#isClosedByPeer) this.#notice.answer(this.#id, this.remoteId);
    else this.#notice.remind();
  }

  /** The next datagram that tells the peer of the end. */
  shiftNotice(): Uint8Array | undefined {
    return this.#notice.shift();
  }

  /** When {@link ConnectionLife.handleTimeout} or {@link ConnectionLife.shiftNotice} is next due. */
  wakeAt(now: Millis): Millis {
    const endsAt = this.#state === 'finWait' ? this.#enteredAt + FIN_WAIT_MS : Infinity;
    return Math.min(this.#notice.wakeAt(now), endsAt);
  }

  handleTimeout(now: Millis): void {
    this.#notice.check(now);
    if (this.#state === 'finWait' && now >= this.#enteredAt + FIN_WAIT_MS) this.enter(now, 'dead');
  }

  #note(reason: number, debug: string): void {
    this.#reason = reason;
    this.#debug = debug.slice(0, MAX_DEBUG_CHARACTERS);
  }

  #tellClosed(now: Millis): void {
    this.#notice.begin(now, this.#id, this.remoteId, this.#reason, this.#debug);
  }
}
