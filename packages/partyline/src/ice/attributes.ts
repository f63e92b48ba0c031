import { StunAttributeType } from '../stun/index.ts';

/** RFC 8445 §16.1, and the nomination counter of draft-thatcher-ice-renomination. */
export const IceAttributeType = {
  Priority: 0x0024,
  UseCandidate: 0x0025,
  IceControlled: 0x8029,
  IceControlling: 0x802a,
  /** Optional to understand: others see a plain USE-CANDIDATE. */
  Nomination: 0xc001,
  /** Optional to understand: makes a check as long as the path has to carry. */
  Filler: 0xc0f1,
} as const;

/** What a check may carry; any other type below 0x8000 is answered with error 420 (RFC 8489 §6.3.1). */
export const understoodInChecks: ReadonlySet<number> = new Set<number>([
  ...Object.values(StunAttributeType),
  ...Object.values(IceAttributeType),
]);
