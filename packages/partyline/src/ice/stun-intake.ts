import type { Millis } from '../base/index.ts';
import {
  decodeErrorCode,
  decodeXorMappedAddress,
  findAttribute,
  type StunAddress,
  StunAttributeType,
  StunClass,
  type StunMessage,
} from '../stun/index.ts';
import type { IceCrypto, IceDialect } from './agent-options.ts';
import { answerCheck, type CheckAnswer } from './check-answer.ts';
import type { FoundCheck } from './check-book.ts';
import { decodeUsername, isAuthentic } from './check-message.ts';
import type { CheckRunner } from './check-runner.ts';
import type { Generation } from './generation.ts';
import { type IceRoute, routeKey } from './route.ts';

/** What an answer to a check of ours says. */
export type CheckResult =
  | {
      readonly type: 'works';
      readonly found: FoundCheck;
      /** The other side sees us at another address than before. */
      readonly hasMoved: boolean;
    }
  /** Datagrams of this size come through. */
  | { readonly type: 'size'; readonly found: FoundCheck; readonly sizeBytes: number }
  /** Both sides had the same role, and the other side keeps its own (RFC 8445 §7.2.5.1). */
  | { readonly type: 'roleConflict'; readonly found: FoundCheck };

/** Reads what the other side's agent sends: whose it is, and whether it is authentic. */
export class StunIntake {
  /** Messages with a wrong MAC, or none. */
  unauthentic = 0;
  readonly #crypto: IceCrypto;
  readonly #dialect: IceDialect;
  readonly #runner: CheckRunner;

  constructor(crypto: IceCrypto, dialect: IceDialect, runner: CheckRunner) {
    this.#crypto = crypto;
    this.#dialect = dialect;
    this.#runner = runner;
  }

  /** The answer to a check made with the credentials of one of these runs. @throws DecodeError */
  request(
    from: IceRoute,
    bytes: Uint8Array,
    message: StunMessage,
    runs: readonly (Generation | undefined)[],
  ): (CheckAnswer & { readonly generation: Generation }) | undefined {
    const ufrag = decodeUsername(message)?.receiver;
    const generation = runs.find((run) => run?.local.ufrag === ufrag);
    if (ufrag === undefined || generation === undefined) return undefined;
    const { password } = generation.local;
    if (!this.#isAuthentic(bytes, message, password)) return undefined;
    const { role, tieBreaker } = this.#runner;
    const context = { crypto: this.#crypto, dialect: this.#dialect, password, role, tieBreaker };
    return { ...answerCheck(message, from, context), generation };
  }

  /** What came of a check of ours; it is ended then. @throws DecodeError */
  response(
    now: Millis,
    from: IceRoute,
    bytes: Uint8Array,
    message: StunMessage,
  ): CheckResult | undefined {
    const found = this.#runner.book.find(message.transactionId);
    if (found === undefined) return undefined;
    const { pair, check } = found;
    // RFC 8445 §7.2.5.2.1: an answer from elsewhere proves nothing about this pair.
    if (routeKey(from) !== pair.key) return undefined;
    if (!this.#isAuthentic(bytes, message, pair.generation.remote?.password)) return undefined;
    if (message.class === StunClass.Error) {
      const error = findAttribute(message, StunAttributeType.ErrorCode);
      if (error === undefined || decodeErrorCode(error).code !== 487) return undefined;
      this.#runner.book.end(found);
      return { type: 'roleConflict', found };
    }
    if (check.sizeBytes !== undefined) {
      this.#runner.book.end(found);
      return { type: 'size', found, sizeBytes: check.sizeBytes };
    }
    const value = findAttribute(message, StunAttributeType.XorMappedAddress);
    const mapped = value && decodeXorMappedAddress(value, message.transactionId);
    const hasMoved = isElsewhere(pair.mapped, mapped);
    pair.mapped = mapped ?? pair.mapped;
    if (!check.isRepeated) pair.rttMs = now - check.sentAt;
    else pair.rttMs ??= now - check.startedAt; // no less is known, so at most that
    this.#runner.book.end(found);
    return { type: 'works', found, hasMoved };
  }

  #isAuthentic(bytes: Uint8Array, message: StunMessage, password = ''): boolean {
    const isFine = isAuthentic(this.#crypto, bytes, message, password);
    if (!isFine) this.unauthentic += 1;
    return isFine;
  }
}

function isElsewhere(before: StunAddress | undefined, now: StunAddress | undefined): boolean {
  if (before === undefined || now === undefined) return false;
  return before.host !== now.host || before.port !== now.port;
}
