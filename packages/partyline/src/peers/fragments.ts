import { DecodeError } from '../base/index.ts';
import type { FragmentHeader, MessageFrame } from './link-frames.ts';
import type { LinkLimits } from './link-limits.ts';

type SizeLimits = Pick<LinkLimits, 'maxMessageBytes' | 'minFragmentBytes'>;

interface Incomplete {
  readonly first: MessageFrame;
  readonly parts: (Uint8Array | undefined)[];
  missing: number;
  bytes: number;
}

/**
 * Puts unreliable messages together whose fragments come in any order or not at all. As GNS does
 * (`SSNPRecvUnreliableSegmentData`), it holds a few incomplete messages and forgets the oldest.
 */
export class UnreliableFragments {
  readonly #incomplete = new Map<number, Incomplete>();
  readonly #limits: SizeLimits & Pick<LinkLimits, 'incompleteMessages'>;

  constructor(limits: SizeLimits & Pick<LinkLimits, 'incompleteMessages'>) {
    this.#limits = limits;
  }

  /** The whole message when this was its last missing part. @throws DecodeError when parts contradict each other */
  add(frame: MessageFrame, fragment: FragmentHeader): Uint8Array | undefined {
    const isLast = fragment.index === fragment.count - 1;
    if (!isLongEnough(frame, isLast, this.#limits)) throw tooShort();
    const entry = this.#entry(frame, fragment);
    if (entry.parts[fragment.index]) return undefined;
    entry.bytes += frame.bytes.length;
    if (entry.bytes > this.#limits.maxMessageBytes) {
      this.#incomplete.delete(fragment.id);
      throw new DecodeError('WIRE_MALFORMED', 'message over its limit', 0);
    }
    entry.parts[fragment.index] = frame.bytes.slice();
    entry.missing--;
    if (entry.missing > 0) return undefined;
    this.#incomplete.delete(fragment.id);
    return concat(entry.parts, entry.bytes);
  }

  clear(): void {
    this.#incomplete.clear();
  }

  #entry(frame: MessageFrame, { id, count }: FragmentHeader): Incomplete {
    const known = this.#incomplete.get(id);
    if (known) {
      if (!sameMessage(known.first, frame)) {
        throw new DecodeError('WIRE_MALFORMED', 'fragments of different messages', 0);
      }
      return known;
    }
    // With fragments of the shortest length a larger count would be over the limit.
    const { maxMessageBytes, minFragmentBytes } = this.#limits;
    if (count > Math.ceil(maxMessageBytes / minFragmentBytes)) {
      throw new DecodeError('WIRE_MALFORMED', 'fragment count', 0);
    }
    if (this.#incomplete.size >= this.#limits.incompleteMessages) {
      const [oldest] = this.#incomplete.keys();
      if (oldest !== undefined) this.#incomplete.delete(oldest);
    }
    const entry = { first: frame, parts: [], missing: count, bytes: 0 };
    this.#incomplete.set(id, entry);
    return entry;
  }
}

/** Puts reliable messages together: their fragments come in order, one message after the other. */
export class ReliableFragments {
  readonly #limits: SizeLimits;
  #first: MessageFrame | undefined;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(limits: SizeLimits) {
    this.#limits = limits;
  }

  /** True between the first and the last fragment of a message. */
  get isOpen(): boolean {
    return this.#first !== undefined;
  }

  /** The whole message when this was its last part. @throws DecodeError */
  add(frame: MessageFrame, fragment: FragmentHeader): Uint8Array | undefined {
    this.#first ??= frame;
    this.#bytes += frame.bytes.length;
    const fits =
      this.#bytes <= this.#limits.maxMessageBytes &&
      isLongEnough(frame, fragment.count === 1, this.#limits);
    if (!fits || !sameMessage(this.#first, frame)) {
      this.clear();
      throw new DecodeError('WIRE_MALFORMED', 'fragments of one message', 0);
    }
    this.#parts.push(frame.bytes.slice());
    if (fragment.count === 0) return undefined;
    const whole = concat(this.#parts, this.#bytes);
    this.clear();
    return whole;
  }

  clear(): void {
    this.#first = undefined;
    this.#parts = [];
    this.#bytes = 0;
  }
}

/** Many tiny parts would cost many times their bytes. */
function isLongEnough(frame: MessageFrame, isLast: boolean, limits: SizeLimits): boolean {
  return frame.bytes.length >= (isLast ? 1 : limits.minFragmentBytes);
}

function tooShort(): DecodeError {
  return new DecodeError('WIRE_MALFORMED', 'fragment length', 0);
}

function sameMessage(a: MessageFrame, b: MessageFrame): boolean {
  return (
    a.mode === b.mode &&
    a.channel === b.channel &&
    a.peer === b.peer &&
    a.system === b.system &&
    a.sequence === b.sequence &&
    (a.mode === 'reliable' || a.fragment?.count === b.fragment?.count)
  );
}

function concat(parts: readonly (Uint8Array | undefined)[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    if (!part) continue;
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
