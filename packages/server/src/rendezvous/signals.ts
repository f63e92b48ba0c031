import { limits } from '@partyline/protocol';
import { FRAME_HEADER_BYTES, FRAME_VERSION, FrameType } from 'partyline/protocol/signaling';
import type { LiveSession, SeatTable } from '../lobby/index.ts';

/** Why signals were not delivered: each is a count, none is an error to anybody. */
export interface SignalStats {
  forwarded: number;
  malformed: number;
  oversized: number;
  /** To nobody, to a dropped member, or to somebody who shares no lobby with the sender. */
  stranger: number;
  rateLimited: number;
  /** The receiver does not keep up. */
  receiverFull: number;
}

/**
 * Passes signals on between members of one lobby: best effort, the sender's member id written by us.
 * docs/wire/frames.md
 */
export class SignalRouter {
  readonly stats: SignalStats = {
    forwarded: 0,
    malformed: 0,
    oversized: 0,
    stranger: 0,
    rateLimited: 0,
    receiverFull: 0,
  };
  readonly #seats: SeatTable;

  constructor(seats: SeatTable) {
    this.#seats = seats;
  }

  /** `frame` is ours now: its member field becomes the sender's. `mayPass` is asked once for each frame, whatever it holds. */
  forward(from: LiveSession, frame: Uint8Array, mayPass: () => boolean): keyof SignalStats {
    const outcome = this.#deliver(from, frame, mayPass);
    this.stats[outcome]++;
    return outcome;
  }

  #deliver(from: LiveSession, frame: Uint8Array, mayPass: () => boolean): keyof SignalStats {
    if (!mayPass()) return 'rateLimited';
    if (frame.length < FRAME_HEADER_BYTES) return 'malformed';
    if (frame[0] !== FRAME_VERSION || frame[1] !== FrameType.Signal) return 'malformed';
    if (frame.length - FRAME_HEADER_BYTES > limits.signalBytes) return 'oversized';
    const view = new DataView(frame.buffer, frame.byteOffset);
    const to = this.#seats.find(from.app, view.getUint32(2));
    const sender = to && from.seats.get(to.lobby);
    if (!to || !sender || to === sender) return 'stranger';
    view.setUint32(2, sender.member);
    return to.session.sendSignal(frame) ? 'forwarded' : 'receiverFull';
  }
}
