import type { Millis } from '../base/index.ts';
import type { IceFailure, IceSelectedPair } from './agent-event.ts';
import type { IceRole, IceTimings } from './agent-options.ts';
import { type IceState, iceTransitions } from './agent-state.ts';
import type { CandidatePair } from './candidate-pair.ts';
import type { CheckRunner } from './check-runner.ts';
import type { EventQueue } from './event-queue.ts';
import { BASE_MTU_BYTES } from './mtu-search.ts';
import { describePair } from './selected-pair.ts';

/**
 * Whether there is a connection, by which pair, and whether there can still be one: an agent's state,
 * as drawn in docs/states/ice-agent.md.
 */
export class Connectivity {
  readonly #runner: CheckRunner;
  readonly #timings: IceTimings;
  readonly #events: EventQueue;
  #state: IceState = 'new';
  #failure: IceFailure | undefined;
  #selectedPair: IceSelectedPair | undefined;
  #startedAt: Millis | undefined;

  constructor(runner: CheckRunner, timings: IceTimings, events: EventQueue) {
    this.#runner = runner;
    this.#timings = timings;
    this.#events = events;
  }

  get state(): IceState {
    return this.#state;
  }

  /** Why the state is `failed`. */
  get failure(): IceFailure | undefined {
    return this.#failure;
  }

  get isEnded(): boolean {
    return this.#state === 'failed' || this.#state === 'closed';
  }

  get selectedPair(): IceSelectedPair | undefined {
    const pair = this.#selectedPair;
    const { rttMs, mtuBytes = BASE_MTU_BYTES } = this.#runner.selected ?? {};
    return pair === undefined ? undefined : { ...pair, rttMs, mtuBytes };
  }

  /** The selected pair does not answer at once: our address may be another one by now. */
  get isDoubtful(): boolean {
    return this.#state === 'disconnected' || this.#runner.watch.isDoubtful;
  }

  /** When {@link Connectivity.judge} may have something to say; infinity for never. */
  get judgeAt(): Millis {
    const { selected } = this.#runner;
    if (selected !== undefined) return (selected.consentAt ?? 0) + this.#timings.consentMs;
    return (this.#startedAt ?? Number.POSITIVE_INFINITY) + this.#timings.connectTimeoutMs;
  }

  /** After a role conflict (RFC 8445 §7.3.1.1). */
  setRole(role: IceRole): void {
    if (role === this.#runner.role) return;
    this.#runner.role = role;
    this.#events.push({ type: 'roleChanged', role });
  }

  /** Something of the other side's is known: from the first time on, time runs. */
  begin(now: Millis): void {
    this.#startedAt ??= now;
  }

  /** A restart of ours: time runs once the other side's part in it is known. */
  beginAnew(): void {
    this.#startedAt = undefined;
  }

  /** Both sides' credentials and a candidate are known. */
  noteReady(): void {
    if (this.#state === 'new') this.#setState('checking');
  }

  /** The other side is there, at the other end of this pair. */
  noteHeard(now: Millis, pair: CandidatePair): void {
    pair.heardAt = now;
    pair.unanswered = 0;
    if (pair === this.#runner.selected) this.#runner.watch.noteHeard();
  }

  isSilent(now: Millis, pair: CandidatePair): boolean {
    return this.#runner.watch.isSuspect || now - (pair.heardAt ?? 0) >= this.#timings.silenceMs;
  }

  /**
   * Controlled: the other side has nominated a pair that works. The newest nomination counts; from
   * who does not number them, the better one (RFC 8445 §8.1.1).
   */
  follow(now: Millis, pair: CandidatePair, nomination: number | undefined): void {
    const { selected, generation, list } = this.#runner;
    const isNewRun = selected?.generation !== generation;
    if (nomination !== undefined) {
      if (nomination < this.#runner.nomination) return;
      this.#runner.nomination = nomination;
    } else if (selected !== undefined && !isNewRun && !this.isSilent(now, selected)) {
      if (list.compare(pair, selected) < 0) {
        pair.awaited = { nomination }; // until the better one does not answer any more
        return;
      }
    }
    pair.awaited = undefined;
    this.select(now, pair);
  }

  /** Data takes this pair from now on. */
  select(now: Millis, pair: CandidatePair): void {
    this.#runner.endPrevious();
    if (pair !== this.#runner.selected) {
      const previous = this.#selectedPair;
      this.#runner.select(now, pair);
      this.#selectedPair = describePair(pair, this.#runner.list.locals);
      this.#events.push({ type: 'selectedPairChanged', pair: this.#selectedPair, previous });
    }
    this.#setState('connected');
  }

  /** The selected pair's socket is gone. */
  deselect(now: Millis): void {
    this.#runner.select(now, undefined);
    this.#selectedPair = undefined;
    this.#startedAt = now; // to find another one
    this.#setState('disconnected');
    this.#runner.recheckAll(now);
  }

  /** After something came, or time has passed. */
  judge(now: Millis): void {
    const { selected, list } = this.#runner;
    if (selected !== undefined) this.#judgeSelected(now, selected);
    else if (now >= this.judgeAt) this.end('failed', list.whyNone());
  }

  end(state: 'failed' | 'closed', failure?: IceFailure): void {
    this.#setState(state, failure);
    this.#selectedPair = undefined;
    this.#runner.stop();
  }

  #judgeSelected(now: Millis, selected: CandidatePair): void {
    if (now - (selected.consentAt ?? now) >= this.#timings.consentMs) {
      this.end('failed', 'consentLost');
      return;
    }
    if (!this.#runner.watch.isSuspect) {
      this.#setState('connected');
      return;
    }
    const nominated = this.#runner.list.bestAwaited();
    if (nominated !== undefined && this.#runner.role === 'controlled') {
      this.follow(now, nominated, nominated.awaited?.nomination);
      return;
    }
    if (this.#state === 'disconnected') return;
    this.#setState('disconnected');
    this.#runner.recheckAll(now);
    this.#runner.run(now, true);
  }

  #setState(state: IceState, failure?: IceFailure): void {
    if (state === this.#state) return;
    const previous = this.#state;
    if (!iceTransitions[previous].includes(state)) throw new Error(`${previous} to ${state}`);
    this.#state = state;
    this.#failure = failure;
    this.#events.push({ type: 'stateChanged', state, previous, failure });
  }
}
