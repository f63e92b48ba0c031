import type { StunAddress, StunMessage } from '../stun/index.ts';
import type { IceCrypto, IceDialect, IceRole } from './agent-options.ts';
import {
  type CheckRequest,
  decodeCheck,
  encodeCheckError,
  encodeCheckSuccess,
  unknownInCheck,
} from './check-message.ts';

export interface AnswerContext {
  readonly crypto: IceCrypto;
  readonly dialect: IceDialect;
  /** Ours, which the check was made with. */
  readonly password: string;
  readonly role: IceRole;
  readonly tieBreaker: bigint;
}

export interface CheckAnswer {
  readonly reply: Uint8Array;
  /** What to act on; `undefined` when the check was refused. */
  readonly check: CheckRequest | undefined;
  /** Ours from now on, when both sides had the same one. */
  readonly role: IceRole;
}

/**
 * The answer to a check whose MAC is right: RFC 8445 §7.3.1. GNS neither refuses nor resolves a role
 * conflict (`OnPacketReceived` warns only), and has no error responses.
 * @throws DecodeError
 */
export function answerCheck(
  message: StunMessage,
  from: StunAddress,
  context: AnswerContext,
): CheckAnswer {
  const { crypto, dialect, password, role } = context;
  if (dialect === 'standard') {
    const unknown = unknownInCheck(message);
    if (unknown.length > 0) {
      const error = { code: 420, reason: 'Unknown Attribute' };
      const reply = encodeCheckError(crypto, message, error, password, unknown);
      return { reply, check: undefined, role };
    }
  }
  const check = decodeCheck(message);
  const resolved = dialect === 'gns' ? role : resolveConflict(check, context);
  if (resolved === 'refuse') {
    const error = { code: 487, reason: 'Role Conflict' };
    return { reply: encodeCheckError(crypto, message, error, password), check: undefined, role };
  }
  const reply = encodeCheckSuccess(crypto, message, from, password, dialect);
  return { reply, check, role: resolved };
}

/** RFC 8445 §7.3.1.1: the larger tie-breaker controls; who learns it has to change is either side. */
function resolveConflict(check: CheckRequest, context: AnswerContext): IceRole | 'refuse' {
  const { role, tieBreaker } = context;
  if (check.role !== role) return role;
  const isOursLarger = tieBreaker >= check.tieBreaker;
  if (role === 'controlling') return isOursLarger ? 'refuse' : 'controlled';
  return isOursLarger ? 'controlling' : 'refuse';
}
