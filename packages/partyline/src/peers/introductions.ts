import type { Cancel, Millis, Scheduler } from '../base/index.ts';
import type { MemberId } from '../signaling/index.ts';
import type { Greeting } from './mesh-signals.ts';

/** How a mesh meets its members; docs/limits.md is made from here. */
export interface IntroductionLimits {
  /** Before a greeting without an answer is repeated, in milliseconds; doubles with each one. */
  readonly repeatMs: number;
  /** The longest such wait, in milliseconds. */
  readonly longestRepeatMs: number;
  /** Greetings that one turn of the timer sends. */
  readonly perTurn: number;
  /** Between two turns of the timer, in milliseconds. */
  readonly turnMs: number;
}

export const introductionLimits: IntroductionLimits = Object.freeze({
  repeatMs: 2000,
  longestRepeatMs: 32_000,
  perTurn: 100,
  turnMs: 500,
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
    this.#of(member).tries = 0;
  }

  /** The link with this tag is over. `isFinal`: wait until the member opens another peer. */
  end(member: MemberId, tag: number, isFinal: boolean): void {
    const acquaintance = this.#acquaintances.get(member);
    const { agreed } = acquaintance ?? {};
    if (!acquaintance || !agreed || tagOf(agreed) !== tag) return;
    acquaintance.agreed = undefined;
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

  #turn(): void {
    const { isPresent, scheduler } = this.#options;
    const { perTurn, turnMs } = introductionLimits;
    const now = scheduler.now();
    this.#turnAt = Number.POSITIVE_INFINITY;
    let sent = 0;
    let nextAt = Number.POSITIVE_INFINITY;
    for (const [member, acquaintance] of this.#acquaintances) {
      if (!acquaintance.isWanted) continue;
      if (acquaintance.dueAt <= now && sent < perTurn) {
        acquaintance.tries++;
        acquaintance.dueAt = now + this.#waitMs(acquaintance);
        if (isPresent(member)) {
          sent++;
          acquaintance.greetedAt = now;
          this.#greet(member, acquaintance.offer, 0);
        }
      }
      nextAt = Math.min(nextAt, acquaintance.dueAt);
    }
    if (nextAt < Number.POSITIVE_INFINITY) this.#wake(Math.max(nextAt - now, turnMs));
  }
}

/** One number that both sides know and nobody else has: over epochs, which are small, by its first bit. */
function tagOf({ local, remote }: Pair): number {
  return ((local ^ remote) | 0x8000_0000) >>> 0;
}
