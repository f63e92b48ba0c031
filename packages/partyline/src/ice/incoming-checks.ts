import type { Millis } from '../base/index.ts';
import type { StunMessage } from '../stun/index.ts';
import type { IceDialect } from './agent-options.ts';
import type { CandidatePair } from './candidate-pair.ts';
import type { CheckRequest } from './check-message.ts';
import type { CheckRunner } from './check-runner.ts';
import type { Connectivity } from './connectivity.ts';
import { iceLimits } from './limits.ts';
import { type IceRoute, routeKey } from './route.ts';
import type { StunIntake } from './stun-intake.ts';

/** A check that was answered while its pair was not proved in this run. */
interface EarlyCheck {
  readonly at: Millis;
  readonly from: IceRoute;
  readonly check: CheckRequest;
}

export interface IncomingChecksSetup {
  readonly dialect: IceDialect;
  readonly runner: CheckRunner;
  readonly intake: StunIntake;
  readonly connectivity: Connectivity;
}

/** What the other side's checks change: RFC 8445 §7.3.1.3 to §7.3.1.5. */
export class IncomingChecks {
  readonly #dialect: IceDialect;
  readonly #runner: CheckRunner;
  readonly #intake: StunIntake;
  readonly #connectivity: Connectivity;
  /** The other side was answered, and says none of them again: kept until their pair is proved. */
  readonly #early = new Map<string, EarlyCheck>();
  #reflexiveCount = 0;

  constructor({ dialect, runner, intake, connectivity }: IncomingChecksSetup) {
    this.#dialect = dialect;
    this.#runner = runner;
    this.#intake = intake;
    this.#connectivity = connectivity;
  }

  /** A Binding request; answered if it is authentic. @throws DecodeError */
  handle(now: Millis, from: IceRoute, bytes: Uint8Array, message: StunMessage): void {
    const { generation, previous, selected } = this.#runner;
    const answer = this.#intake.request(from, bytes, message, [generation, previous]);
    if (answer === undefined) return;
    this.#runner.transmits.push({ to: from, bytes: answer.reply });
    this.#connectivity.setRole(answer.role);
    if (answer.check === undefined) return;
    if (answer.generation === generation) this.#take({ at: now, from, check: answer.check });
    else if (selected?.key === routeKey(from)) this.#connectivity.noteHeard(now, selected);
  }

  /** Other credentials of the other side count: checks that were made with them are taken now. */
  handleRenewal(): void {
    const early = [...this.#early.values()];
    this.#early.clear();
    const { remote } = this.#runner.generation;
    for (const one of early) {
      if (one.check.senderUfrag === remote?.ufrag) this.#take(one);
    }
  }

  /** The pair is proved by now: its early check has had its effect. */
  forget(pair: CandidatePair): void {
    this.#early.delete(pair.key);
  }

  #take(early: EarlyCheck): void {
    const { at, from, check } = early;
    const pair = this.#pairOf(from, check);
    if (pair?.isValid !== true) this.#remember(early);
    if (pair === undefined) return;
    this.#connectivity.begin(at);
    this.#connectivity.noteHeard(at, pair);
    this.#askSelectedBeside(at, pair);
    if (!pair.isValid) this.#runner.trigger(at, pair);
    if (!check.isNominating || this.#runner.role !== 'controlled') return;
    if (pair.isValid) this.#connectivity.follow(at, pair, check.nomination);
    else pair.awaited = { nomination: check.nomination };
  }

  #pairOf(from: IceRoute, check: CheckRequest): CandidatePair | undefined {
    const { remote } = this.#runner.generation;
    // One of a restart that signaling has not told us of: its candidates are not ours to pair yet.
    if (remote !== undefined && remote.ufrag !== check.senderUfrag) return undefined;
    return this.#runner.list.pairForCheck(from, {
      type: 'prflx',
      host: from.host,
      port: from.port,
      priority: check.priority,
      foundation: `prflx${this.#reflexiveCount++}`,
      component: this.#dialect === 'gns' ? 0 : 1,
    });
  }

  #remember(early: EarlyCheck): void {
    const key = routeKey(early.from);
    const known = this.#early.get(key)?.check;
    const { senderUfrag, isNominating } = early.check;
    const isSaid = known?.senderUfrag === senderUfrag && known.isNominating && !isNominating;
    if (isSaid) return; // what was nominated stays so
    if (known === undefined && this.#early.size >= iceLimits.earlyChecks) {
      const [oldest] = this.#early.keys();
      if (oldest !== undefined) this.#early.delete(oldest);
    }
    this.#early.set(key, early);
  }

  /** The other side tries another pair than the one that data takes: does it not hear us any more? */
  #askSelectedBeside(now: Millis, pair: CandidatePair): void {
    const { selected, watch } = this.#runner;
    if (selected === undefined || selected === pair) return;
    if (this.#connectivity.isSilent(now, selected)) watch.askNow(now);
  }
}
