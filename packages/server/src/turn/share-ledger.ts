import type { ShareKind } from 'partyline/protocol/turn-server';
import type { ElsewhereChange, ShareChange } from './worker-messages.ts';

/** Who has how many allocations where, so that several relays keep one quota. */
export class ShareLedger {
  /** Kind and name → member → allocations. */
  readonly #counts = new Map<string, Map<number, number>>();

  /** What a member has of a name now. Gives what each of `others` is to be told. */
  set(
    member: number,
    { kind, name, allocations }: ShareChange,
    others: Iterable<number>,
  ): Map<number, ElsewhereChange> {
    const key = `${kind} ${name}`;
    const counts = this.#counts.get(key) ?? new Map<number, number>();
    if (allocations > 0) counts.set(member, allocations);
    else counts.delete(member);
    if (counts.size > 0) this.#counts.set(key, counts);
    else this.#counts.delete(key);
    const told = new Map<number, ElsewhereChange>();
    for (const other of others) {
      if (other !== member) told.set(other, elsewhere(kind, name, counts, other));
    }
    return told;
  }

  /** Everything a member had is over. */
  ofMember(member: number): ShareChange[] {
    return this.#entries()
      .filter(({ counts }) => counts.has(member))
      .map(({ kind, name }) => ({ kind, name, allocations: 0 }));
  }

  /** What a member that has nothing yet is to know. */
  seenFrom(member: number): ElsewhereChange[] {
    return this.#entries().map(({ kind, name, counts }) => elsewhere(kind, name, counts, member));
  }

  #entries(): { kind: ShareKind; name: string; counts: ReadonlyMap<number, number> }[] {
    return [...this.#counts].map(([key, counts]) => {
      const kind = key.startsWith('player ') ? 'player' : 'address';
      return { kind, name: key.slice(kind.length + 1), counts };
    });
  }
}

function elsewhere(
  kind: ShareKind,
  name: string,
  counts: ReadonlyMap<number, number>,
  member: number,
): ElsewhereChange {
  let allocations = 0;
  let places = 0;
  for (const [other, count] of counts) {
    if (other === member) continue;
    allocations += count;
    places++;
  }
  return { kind, name, allocations, places };
}
