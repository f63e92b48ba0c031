import type { Cancel, Millis, Scheduler } from '../base/index.ts';
import type { MemberId } from '../signaling/index.ts';
import type { Greeting } from './mesh-signals.ts';

/** How a mesh meets its members; docs/limits.md is made from here. */
export interface IntroductionLimits {
  /** Before a greeting without an answer is repeated, in milliseconds; doubles with each one. */
  readonly repeatMs: number;
  /** The longest such wait, in milliseconds. */
  readonly longestRepeatMs: number;
  /**
   * Members being met at once, at most; greetings to others wait. Who greets us is met all the same.
   * One at first, and one more whenever it is another one's turn and this process is in time.
   */
  readonly atOnce: number;
  /** A timer so late says that this process cannot keep up, in milliseconds: nobody else is met for a while. */
  readonly lateMs: number;
  /** That while at most, in milliseconds; four to eight times as long as the timer was late. */
  readonly longestPauseMs: number;
  /** How long who was greeted is waited for before the next one is, in milliseconds. */
  readonly answerMs: number;
  /** How long a link that was agreed is waited for in the same way, in milliseconds. */
  readonly openMs: number;
}

export const introductionLimits: IntroductionLimits = Object.freeze({
  repeatMs: 2000,
  longestRepeatMs: 32_000,
  atOnce: 4,
  lateMs: 30,
  longestPauseMs: 2000,
  answerMs: 500,
  openMs: 3000,
});

/** A greeting that left so recently is still on its way, in milliseconds. */
const ON_ITS_WAY_MS = 1000;

export interface IntroductionsOptions {
  readonly scheduler: Scheduler;
  readonly local: MemberId;
  /** Not 0. */
  readonly draw: () => number;
  readonly send: (to: MemberId, greeting: Greeting) => void;
  /** Whether it can hear us now. */
  readonly isPresent: (member: MemberId) => boolean;
  /** False puts the link off: the other side asks again. */
  readonly mayOpen: (member: MemberId) => boolean;
  /** In place of the link that this member may have. Both sides open it, or will, with this tag. */
  readonly open: (member: MemberId, tag: number) => void;
  /** The other side of the link with this member has no better wire than the relay. */
  readonly onRelayWanted: (member: MemberId) => void;
}

/** The two numbers of a link. */
interface Pair {
  readonly local: number;
  readonly remote: number;
  readonly incarnation: number;
}

interface Acquaintance {
  /** Ours for the next link; drawn anew when a link took it. */
  offer: number;
  agreed: Pair | undefined;
  /** The incarnation that does not want a link any more, or that we want none with. */
  over: number | undefined;
  isWanted: boolean;
  tries: number;
  dueAt: Millis;
  greetedAt: Millis;
  /** Is being met until then. */
  busyUntil: Millis;
}

/**
 * Agrees with each member on one link, whatever signals get lost, doubled or late: each side opens it
 * when the other has named the number that was drawn here for this link and no other, as TCP does
 * with its sequence numbers (RFC 9293 §3.5). Both may begin at once. docs/wire/link.md#mesh
 */
export class Introductions {
  readonly #options: IntroductionsOptions;
  readonly #incarnation: number;
  readonly #acquaintances = new Map<MemberId, Acquaintance>();
  #cancelTurn: Cancel | undefined;
  #turnAt = Number.POSITIVE_INFINITY;
  #atOnce = 0;
  #pausedUntil: Millis = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  constructor(options: IntroductionsOptions) {
    this.#options = options;
    this.#incarnation = options.draw();
  }

  /** A link to this member is wanted, now. */
  meet(member: MemberId): void {
    const acquaintance = this.#of(member);
    if (acquaintance.agreed || acquaintance.over !== undefined) return;
    this.#want(acquaintance, 0);
  }

  /** Its link works: the next trouble begins from the shortest wait. */
  settle(member: MemberId): void {
    const acquaintance = this.#of(member);
    acquaintance.tries = 0;
    this.#free(acquaintance);
  }

  /** The link with this tag is over. `isFinal`: wait until the member opens another peer. */
  end(member: MemberId, tag: number, isFinal: boolean): void {
    const acquaintance = this.#acquaintances.get(member);
    const { agreed } = acquaintance ?? {};
    if (!acquaintance || !agreed || tagOf(agreed) !== tag) return;
    acquaintance.agreed = undefined;
    this.#free(acquaintance);
    if (isFinal) acquaintance.over = agreed.incarnation;
    else this.#want(acquaintance, this.#waitMs(acquaintance));
  }

  forget(member: MemberId): void {
    this.#acquaintances.delete(member);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTurn?.();
    this.#acquaintances.clear();
  }

  /** Asks the other side of an agreed link to open the relay. */
  askForRelay(member: MemberId): void {
    const agreed = this.#acquaintances.get(member)?.agreed;
    if (agreed) this.#confirm(member, agreed, true);
  }

  handle(from: MemberId, greeting: Greeting): void {
    if (this.#isStopped) return;
    const acquaintance = this.#of(from);
    if (acquaintance.over === greeting.incarnation) return;
    const { agreed, offer } = acquaintance;
    if (agreed?.remote === greeting.local) {
      if (!greeting.isOpen) this.#confirm(from, agreed, false);
      if (greeting.wantsRelay) this.#options.onRelayWanted(from);
    } else if (greeting.remote === offer) this.#agree(from, acquaintance, greeting);
    else this.#answer(from, acquaintance, greeting);
  }

  #agree(from: MemberId, acquaintance: Acquaintance, greeting: Greeting): void {
    const { draw, mayOpen, open, onRelayWanted } = this.#options;
    if (!mayOpen(from)) {
      this.#want(acquaintance, this.#waitMs(acquaintance));
      return;
    }
    const { local: remote, incarnation } = greeting;
    const agreed = { local: acquaintance.offer, remote, incarnation };
    acquaintance.agreed = agreed;
    acquaintance.offer = draw();
    acquaintance.over = undefined;
    acquaintance.isWanted = false;
    acquaintance.busyUntil = this.#options.scheduler.now() + introductionLimits.openMs;
    open(from, tagOf(agreed));
    if (acquaintance.agreed !== agreed) return; // no way was left, and it is over already
    if (!greeting.isOpen) this.#confirm(from, agreed, false);
    if (greeting.wantsRelay) onRelayWanted(from);
  }

  /** A number that we do not know: it is told ours, and whoever still has it names both. */
  #answer(from: MemberId, acquaintance: Acquaintance, { local, remote }: Greeting): void {
    const { scheduler, local: own } = this.#options;
    const isCrossing =
      remote === 0 && own > from && scheduler.now() - acquaintance.greetedAt < ON_ITS_WAY_MS;
    if (!acquaintance.agreed) this.#want(acquaintance, this.#waitMs(acquaintance));
    if (!isCrossing) this.#greet(from, acquaintance.offer, local);
  }

  #greet(to: MemberId, local: number, remote: number): void {
    const flags = { isOpen: false, wantsRelay: false };
    this.#options.send(to, { incarnation: this.#incarnation, local, remote, ...flags });
  }

  #confirm(to: MemberId, { local, remote }: Pair, wantsRelay: boolean): void {
    const { send } = this.#options;
    send(to, { incarnation: this.#incarnation, local, remote, isOpen: true, wantsRelay });
  }

  #of(member: MemberId): Acquaintance {
    let acquaintance = this.#acquaintances.get(member);
    if (!acquaintance) {
      acquaintance = {
        offer: this.#options.draw(),
        agreed: undefined,
        over: undefined,
        isWanted: false,
        tries: 0,
        dueAt: Number.POSITIVE_INFINITY,
        greetedAt: Number.NEGATIVE_INFINITY,
        busyUntil: Number.NEGATIVE_INFINITY,
      };
      this.#acquaintances.set(member, acquaintance);
    }
    return acquaintance;
  }

  #waitMs({ tries }: Acquaintance): number {
    const { repeatMs, longestRepeatMs } = introductionLimits;
    return Math.min(repeatMs * 2 ** Math.max(tries - 1, 0), longestRepeatMs);
  }

  #want(acquaintance: Acquaintance, waitMs: number): void {
    if (acquaintance.isWanted && waitMs > 0) return; // its turn comes
    acquaintance.isWanted = true;
    acquaintance.dueAt = this.#options.scheduler.now() + waitMs;
    this.#wake(waitMs);
  }

  #wake(delayMs: number): void {
    const { scheduler } = this.#options;
    const at = scheduler.now() + delayMs;
    if (this.#isStopped || at >= this.#turnAt) return;
    this.#cancelTurn?.();
    this.#turnAt = at;
    this.#cancelTurn = scheduler.after(delayMs, () => this.#turn());
  }

  /** It is met, or will not be for now: the next one may be. */
  #free(acquaintance: Acquaintance): void {
    acquaintance.busyUntil = Number.NEGATIVE_INFINITY;
    this.#wake(0);
  }

  #turn(): void {
    const now = this.#options.scheduler.now();
    const isPaused = now < this.#pausedUntil;
    if (!isPaused) this.#adaptTo(now, now - this.#turnAt);
    this.#turnAt = Number.POSITIVE_INFINITY;
    let free = isPaused ? 0 : this.#atOnce;
    for (const { busyUntil } of this.#acquaintances.values()) if (busyUntil > now) free--;
    let nextAt = Number.POSITIVE_INFINITY;
    let freeAt = Number.POSITIVE_INFINITY;
    for (const [member, acquaintance] of this.#acquaintances) {
      if (acquaintance.isWanted && acquaintance.dueAt <= now && free > 0) {
        if (this.#greetAgain(member, acquaintance)) free--;
      }
      if (acquaintance.isWanted) nextAt = Math.min(nextAt, acquaintance.dueAt);
      if (acquaintance.busyUntil > now) freeAt = Math.min(freeAt, acquaintance.busyUntil);
    }
    // Who is due and still waits, waits for a place.
    if (nextAt <= now) nextAt = now < this.#pausedUntil ? this.#pausedUntil : freeAt;
    if (nextAt < Number.POSITIVE_INFINITY) this.#wake(nextAt - now);
  }

  /**
   * Links that open wait for each other in a process that is late, ask again because they do, and make
   * it later still. So one is met then, and nobody else for a while that grows as it gets later.
   */
  #adaptTo(now: Millis, lateMs: number): void {
    const { atOnce, lateMs: limitMs, longestPauseMs } = introductionLimits;
    if (lateMs < limitMs) {
      this.#atOnce = Math.min(this.#atOnce + 1, atOnce);
      return;
    }
    const factor = 4 * (1 + this.#options.draw() / 2 ** 32); // members of one process do not go on at once
    this.#atOnce = 1;
    this.#pausedUntil = now + Math.min(factor * lateMs, longestPauseMs);
  }

  /** False when it cannot hear us. */
  #greetAgain(member: MemberId, acquaintance: Acquaintance): boolean {
    const { isPresent, scheduler } = this.#options;
    const now = scheduler.now();
    acquaintance.tries++;
    acquaintance.dueAt = now + this.#waitMs(acquaintance);
    if (!isPresent(member)) return false;
    acquaintance.greetedAt = now;
    acquaintance.busyUntil = now + introductionLimits.answerMs;
    this.#greet(member, acquaintance.offer, 0);
    return true;
  }
}

/** One number that both sides know and nobody else has: over epochs, which are small, by its first bit. */
function tagOf({ local, remote }: Pair): number {
  return ((local ^ remote) | 0x8000_0000) >>> 0;
}
