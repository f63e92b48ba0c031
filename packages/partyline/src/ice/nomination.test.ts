import { describe, expect, test } from 'vitest';
import { candidatePriority, type IceCandidateType } from './candidate.ts';
import { CandidatePair, comparePriority } from './candidate-pair.ts';
import { chooseNomination, type NominationView } from './nomination.ts';

const timings = { settleMs: 60, relayHoldMs: 600 };
const generation = { local: { ufrag: 'a', password: 'a' }, remote: undefined };

function pair(
  local: 'host' | 'relay',
  remote: IceCandidateType,
  validSince?: number,
): CandidatePair {
  const candidate = (type: IceCandidateType) => ({
    type,
    host: '192.0.2.1',
    port: 1,
    priority: candidatePriority(type, 65_535),
    foundation: type,
    component: 1,
  });
  const source = { type: local, address: { host: '192.0.2.1', port: 1 }, socket: 1 };
  const made = new CandidatePair(
    { candidate: candidate(local), source },
    candidate(remote),
    generation,
  );
  made.state = validSince === undefined ? 'inProgress' : 'succeeded';
  made.validSince = validSince;
  return made;
}

/** Waits for its answer since then. */
function asked(waiting: CandidatePair, startedAt: number): CandidatePair {
  const times = {
    startedAt,
    requests: 1,
    isRepeated: false,
    wasSent: true,
    sentAt: startedAt,
    nextAt: 1000,
  };
  const check = { transactionId: new Uint8Array(12), bytes: new Uint8Array(0), maxRequests: 7 };
  waiting.check = { ...check, ...times, role: 'controlling', nomination: undefined };
  return waiting;
}

function choose(now: number, pairs: CandidatePair[], view: Partial<NominationView> = {}) {
  const rest = { selected: undefined, isHealthy: true, isComplete: false, ...view };
  const compare = (a: CandidatePair, b: CandidatePair) => comparePriority(a, b, 'controlling');
  return chooseNomination(now, { pairs, compare, ...rest }, timings);
}

describe('the first one', () => {
  test('nothing works yet', () => {
    expect(choose(100, [pair('host', 'host')])).toEqual({});
  });

  test('direct and best: at once', () => {
    const best = pair('host', 'host', 100);
    expect(choose(100, [best, pair('host', 'srflx')])).toEqual({ pair: best });
  });

  test('direct, and a better one may come: after a moment', () => {
    const good = pair('host', 'srflx', 100);
    const pairs = [good, pair('host', 'host')];
    expect(choose(100, pairs)).toEqual({ at: 160 });
    expect(choose(160, pairs)).toEqual({ pair: good });
  });

  test('direct, and a better one was asked: until that would have answered on a shorter way', () => {
    const good = pair('host', 'srflx', 100);
    good.rttMs = 20;
    const better = asked(pair('host', 'host'), 75);
    expect(choose(100, [good, better])).toEqual({ at: 105 });
    expect(choose(105, [good, better])).toEqual({ pair: good });
    const later = asked(pair('host', 'host'), 99);
    expect(choose(100, [good, better, later])).toEqual({ at: 129 });
    good.rttMs = 400; // however long the way is
    expect(choose(100, [good, later])).toEqual({ at: 160 });
  });

  test('relayed: held back while a direct one may come', () => {
    const relayed = pair('relay', 'srflx', 100);
    const pairs = [relayed, pair('host', 'srflx')];
    expect(choose(100, pairs, { isComplete: true })).toEqual({ at: 700 });
    expect(choose(700, pairs, { isComplete: true })).toEqual({ pair: relayed });
  });

  test('relayed, all direct ones have failed and none is to come: at once', () => {
    const relayed = pair('relay', 'srflx', 100);
    const failed = pair('host', 'srflx');
    failed.state = 'failed';
    expect(choose(100, [relayed, failed], { isComplete: true })).toEqual({ pair: relayed });
    expect(choose(100, [relayed, failed])).toEqual({ at: 700 });
  });

  test('a peer-reflexive address that may be a relay’s waits for signaling', () => {
    const unsure = pair('host', 'prflx', 100);
    expect(choose(100, [unsure])).toEqual({ at: 160 });
    expect(choose(100, [unsure], { isComplete: true })).toEqual({ pair: unsure });
  });
});

describe('another one', () => {
  test('direct replaces relayed', () => {
    const selected = pair('relay', 'srflx', 100);
    const direct = pair('host', 'srflx', 5000);
    expect(choose(5000, [selected, direct], { selected })).toEqual({ pair: direct });
  });

  test('another relayed one does not replace a relayed one that answers', () => {
    const selected = pair('relay', 'srflx', 100);
    const better = pair('relay', 'host', 200);
    expect(choose(5000, [selected, better], { selected })).toEqual({});
    better.consentAt = 4900;
    const view = { selected, isHealthy: false };
    expect(choose(5000, [selected, better], view)).toEqual({ pair: better });
  });

  test('a worse one does not replace one that answers', () => {
    const selected = pair('host', 'srflx', 100);
    expect(choose(5000, [selected, pair('relay', 'srflx', 200)], { selected })).toEqual({});
  });

  test('any that answers replaces one that does not', () => {
    const selected = pair('host', 'srflx', 100);
    const spare = pair('relay', 'srflx', 200);
    const view = { selected, isHealthy: false };
    spare.consentAt = 4900;
    expect(choose(5000, [selected, spare], view)).toEqual({ pair: spare });
  });

  test('one that has not answered since the selected one fell silent is not chosen', () => {
    const selected = pair('host', 'srflx', 100);
    const [stale, alive] = [pair('host', 'srflx', 200), pair('relay', 'srflx', 200)];
    selected.heardAt = 4000;
    stale.consentAt = 3990;
    const view = { selected, isHealthy: false };
    expect(choose(5000, [selected, stale, alive], view)).toEqual({});
    alive.consentAt = 4900;
    expect(choose(5000, [selected, stale, alive], view)).toEqual({ pair: alive });
  });

  test('one that has just left questions open is not chosen', () => {
    const selected = pair('host', 'srflx', 100);
    const spare = pair('relay', 'srflx', 200);
    spare.consentAt = 4900;
    spare.unanswered = 1;
    expect(choose(5000, [selected, spare], { selected, isHealthy: false })).toEqual({});
  });
});
