import { DecodeError } from '../base/index.ts';
import { MAX_CHANNEL } from '../multiplayer/index.ts';
import { ReliableFragments, UnreliableFragments } from './fragments.ts';
import {
  type Frame,
  type MessageFrame,
  type MessageHeader,
  PacketReader,
  PacketType,
} from './link-frames.ts';
import type { LinkLimits } from './link-limits.ts';
import { ReplayWindow } from './replay-window.ts';

/** A whole message. */
export interface LinkMessage extends MessageHeader {
  /** The receiver's to keep. */
  readonly bytes: Uint8Array;
}

export type ControlFrame = Exclude<Frame, MessageFrame>;

export interface LinkReceiverHandlers {
  onMessage(message: LinkMessage): void;
  onControl(frame: ControlFrame): void;
}

/** The receiving half of a {@link Link}: packets to messages; drops doubles, what is late, what is hostile. */
export class LinkReceiver {
  readonly #handlers: LinkReceiverHandlers;
  readonly #window = new ReplayWindow();
  readonly #unreliable: UnreliableFragments;
  readonly #reliable: ReliableFragments;
  /** Newest sequence of `unreliableOrdered` per channel; undefined until the first. */
  readonly #newest: (number | undefined)[] = [];
  #nextReliable = 0;
  /** Reliable packets accepted or seen again since the last acknowledgement was written. */
  #unacknowledged = 0;
  /** While true no reliable packet is accepted, so the sender keeps them and its queue fills: back-pressure. */
  paused = false;
  /** A reliable packet was refused while paused: ask for it when room is there. */
  missedWhilePaused = false;
  messages = 0;
  bytes = 0;
  malformed = 0;

  constructor(limits: LinkLimits, handlers: LinkReceiverHandlers) {
    this.#handlers = handlers;
    this.#unreliable = new UnreliableFragments(limits);
    this.#reliable = new ReliableFragments(limits);
    this.#newest.length = MAX_CHANNEL + 1;
  }

  /** The number to acknowledge up to. */
  get nextReliable(): number {
    return this.#nextReliable;
  }

  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  acknowledged(): void {
    this.#unacknowledged = 0;
  }

  handlePacket(packet: Uint8Array): void {
    this.bytes += packet.length;
    try {
      const reader = new PacketReader(packet);
      const fresh =
        reader.type === PacketType.Reliable
          ? this.#acceptReliable(reader.number)
          : this.#acceptUnreliable(reader.number);
      if (!fresh) return;
      for (let frame = reader.next(); frame; frame = reader.next()) this.#handleFrame(frame);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.malformed++;
    }
  }

  /** The next expected number only: a wire keeps order, so anything else is a double or a broken promise. */
  #acceptReliable(number: number): boolean {
    const ahead = (number - this.#nextReliable) | 0;
    if (ahead < 0) {
      this.#unacknowledged++; // a double: its acknowledgement was lost, so repeat it
      return false;
    }
    if (this.paused) this.missedWhilePaused = true;
    if (this.paused || ahead > 0) return false;
    this.#unacknowledged++;
    this.#nextReliable = (number + 1) >>> 0;
    return true;
  }

  #acceptUnreliable(number: number): boolean {
    const highest = this.#window.highest;
    const full = highest + ((number - (highest % 2 ** 32)) | 0); // u32 on the wire, never wraps here
    return full >= 0 && this.#window.accept(full);
  }

  #handleFrame(frame: Frame): void {
    if (frame.type !== 'message') {
      this.#handlers.onControl(frame);
      return;
    }
    const { fragment, mode } = frame;
    if (mode === 'reliable' && !fragment && this.#reliable.isOpen) {
      this.#reliable.clear();
      throw new DecodeError('WIRE_MALFORMED', 'message inside a fragmented one', 0);
    }
    const bytes = fragment ? this.#reassemble(frame) : frame.bytes.slice();
    if (!bytes) return;
    if (mode === 'unreliableOrdered' && !this.#isNewer(frame)) return;
    this.messages++;
    this.#handlers.onMessage({
      mode,
      channel: frame.channel,
      peer: frame.peer,
      system: frame.system,
      bytes,
    });
  }

  #reassemble(frame: MessageFrame): Uint8Array | undefined {
    const { fragment } = frame;
    if (!fragment) return undefined;
    return frame.mode === 'reliable'
      ? this.#reliable.add(frame, fragment)
      : this.#unreliable.add(frame, fragment);
  }

  #isNewer({ channel, sequence }: MessageFrame): boolean {
    const newest = this.#newest[channel];
    if (newest !== undefined && ((sequence - newest) | 0) <= 0) return false;
    this.#newest[channel] = sequence;
    return true;
  }
}
