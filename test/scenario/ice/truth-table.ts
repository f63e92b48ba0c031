import type { NatKind } from 'partyline/testing';

export type Nat = 'none' | NatKind;

export const nats: readonly Nat[] = [
  'none',
  'full-cone',
  'restricted-cone',
  'port-restricted',
  'symmetric',
  'udp-blocked',
];

/** Whether two players behind these NATs reach each other without a relay. */
export function isDirect(a: Nat, b: Nat): boolean {
  if (a === 'udp-blocked' || b === 'udp-blocked') return false;
  const isHard = (nat: Nat): boolean => nat === 'symmetric' || nat === 'port-restricted';
  // A port that is new for each destination cannot be guessed by who filters ports.
  return !(isHard(a) && isHard(b) && (a === 'symmetric' || b === 'symmetric'));
}

/** Each unordered pair once: 21 of them. */
export const natPairs: readonly (readonly [Nat, Nat])[] = nats.flatMap((a, i) =>
  nats.slice(i).map((b) => [a, b] as const),
);
