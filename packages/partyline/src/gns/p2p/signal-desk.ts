import type { Millis } from '../../base/index.ts';
import type { Credentials } from '../messages.ts';
import type { P2pConnectionClosed, P2pConnectRequest, SignalMessage } from './rendezvous.ts';
import { encodeRendezvous } from './rendezvous.ts';
import { SignalSchedule } from './signal-schedule.ts';
import { SignalStream } from './signal-stream.ts';

/** GNS `k_ESteamNetConnectionEnd_Internal_P2PNoConnection`: a close that must not be answered. */
export const NO_CONNECTION_REASON = 9999;
/** A close by signal is told so often while nobody answers; GNS tells it once. */
const CLOSE_REPEATS = 3;

/** Whom signals come from and go to. */
export interface SignalEnds {
  readonly from: string;
  readonly fromConnectionId: number;
  readonly to: string;
  /** 0 while it is not known. */
  toConnectionId: number;
}

/**
 * Writes one connection's signals and says when each leaves. What stands in a signal follows from
 * what is set here: a request until it is answered, an answer until the other side is heard, a close
 * until it is confirmed, and always the reliable sub-stream. GNS `SetRendezvousCommonFieldsAndSendSignal`.
 */
export class SignalDesk {
  readonly stream: SignalStream = new SignalStream();
  readonly schedule: SignalSchedule;
  readonly #ends: SignalEnds;
  #request: P2pConnectRequest | undefined;
  #answer: Credentials | undefined;
  #close: P2pConnectionClosed | undefined;
  #closesLeft = 0;
  #isSilent = false;

  constructor(now: Millis, ends: SignalEnds) {
    this.#ends = ends;
    this.schedule = new SignalSchedule(now);
  }

  /** Nothing leaves while this is set: an incoming connection that is not accepted. */
  set isSilent(value: boolean) {
    this.#isSilent = value;
  }

  /** Something for the other side; one that is over the limit, or after the end, is not told. */
  tell(now: Millis, message: SignalMessage): void {
    if (this.#close !== undefined) return;
    if (this.stream.queue(message)) this.schedule.want(now);
  }

  /** Client: asks until {@link SignalDesk.met}. */
  ask(now: Millis, request: P2pConnectRequest): void {
    this.#request = request;
    this.schedule.want(now);
  }

  /** Server: answers, and again whenever something is repeated, until {@link SignalDesk.met}. */
  accept(now: Millis, answer: Credentials): void {
    this.#request = undefined;
    this.#answer = answer;
    this.schedule.wantNow(now);
  }

  /** The other side has asked again: our answer was lost. */
  answerAgain(now: Millis): void {
    if (this.#answer !== undefined) this.schedule.want(now);
  }

  /** Both sides know each other: neither request nor answer is needed any more. */
  met(): void {
    this.#request = undefined;
    this.#answer = undefined;
    this.schedule.answered();
  }

  /**
   * It is over; from now on signals say so. How often: once, until {@link SignalDesk.closeConfirmed}
   * and three times at most, or only when the other side shows that it has not heard.
   */
  close(now: Millis, close: P2pConnectionClosed, how: 'once' | 'repeated' | 'whenAsked'): void {
    this.stream.clear();
    this.schedule.clear();
    this.#close = close;
    this.#isSilent = false;
    this.#closesLeft = how === 'repeated' ? CLOSE_REPEATS : 1;
    if (how !== 'whenAsked') this.schedule.wantNow(now);
  }

  /** The other side is told once more. */
  closeAgain(now: Millis): void {
    if (this.#close === undefined) return;
    this.#closesLeft = Math.max(1, this.#closesLeft);
    this.schedule.want(now);
  }

  closeConfirmed(): void {
    this.schedule.clear();
  }

  /** When {@link SignalDesk.poll} has a signal; Infinity for never. */
  get nextAt(): Millis {
    return this.#isSilent ? Number.POSITIVE_INFINITY : this.schedule.nextAt(this.stream.retryAt);
  }

  poll(now: Millis): Uint8Array | undefined {
    if (now < this.nextAt) return undefined;
    return this.#close === undefined ? this.#writeOpen(now) : this.#writeClose(now, this.#close);
  }

  #writeOpen(now: Millis): Uint8Array {
    const request = this.#request;
    const answer = this.#answer;
    const isHandshake = request !== undefined || answer !== undefined;
    const { toConnectionId, ...ends } = this.#ends;
    const bytes = encodeRendezvous({
      ...ends,
      // Who asks names no connection: it may have learnt of one that lost against its own.
      toConnectionId: request === undefined ? toConnectionId : 0,
      isIceEnabled: true,
      ...(request === undefined ? {} : { connectRequest: request }),
      ...(answer === undefined ? {} : { connectOk: answer }),
      ...this.stream.give(now, isHandshake),
    });
    this.schedule.sent(now, isHandshake);
    return bytes;
  }

  #writeClose(now: Millis, connectionClosed: P2pConnectionClosed): Uint8Array {
    this.#closesLeft -= 1;
    this.schedule.sent(now, this.#closesLeft > 0);
    const stream = { acked: 0, first: 0, messages: [] };
    return encodeRendezvous({ ...this.#ends, isIceEnabled: true, connectionClosed, ...stream });
  }
}
