import { expect, test } from 'vitest';
import { candidatePriority, type IceCandidate } from './candidate.ts';
import type { CandidatePair, LocalEntry } from './candidate-pair.ts';
import { Checklist } from './checklist.ts';
import { iceLimits } from './limits.ts';

const generation = { local: { ufrag: 'a', password: 'a' }, remote: undefined };

function local(
  socket: number,
  host = `192.0.2.${socket}`,
  type: 'host' | 'srflx' = 'host',
): LocalEntry {
  const about = {
    host,
    port: 1,
    priority: candidatePriority(type, socket),
    foundation: `${socket}`,
  };
  const source = { type, address: { host, port: 1 }, socket, server: 's' };
  return { candidate: { ...about, type, component: 1 }, source };
}

function remote(port: number, about: Partial<IceCandidate> = {}): IceCandidate {
  const priority = candidatePriority('host', 65_535 - port);
  const host = '198.51.100.1';
  return { type: 'host', host, port, priority, foundation: `${port}`, component: 1, ...about };
}

function checklist(...locals: LocalEntry[]): Checklist {
  const list = new Checklist(generation, 'controlling');
  for (const entry of locals) list.addLocal(entry);
  return list;
}

/** What is checked, in order; each check is on its way from then on. */
function drain(list: Checklist): CandidatePair[] {
  const order: CandidatePair[] = [];
  for (let pair = list.next(false); pair !== undefined; pair = list.next(false)) {
    pair.state = 'inProgress';
    order.push(pair);
  }
  return order;
}

test('RFC 8445 §6.1.2.3: the pair of highest priority first, whenever it came', () => {
  const list = checklist(local(1));
  for (const port of [30, 10, 20]) list.addRemote(remote(port));
  expect(drain(list).map(({ route }) => route.port)).toEqual([10, 20, 30]);
});

test('RFC 8445 §7.3.1.4: triggered checks go before all others', () => {
  const list = checklist(local(1));
  for (const port of [10, 20, 30]) list.addRemote(remote(port));
  const last = list.pairAt({ socket: 1, host: '198.51.100.1', port: 30 });
  if (last === undefined) throw new Error('no pair');
  list.trigger(last);
  expect(drain(list).map(({ route }) => route.port)).toEqual([30, 10, 20]);
});

test('RFC 8445 §6.1.2.6: of one foundation one pair is checked at a time', () => {
  const list = checklist(local(1));
  for (const port of [10, 20]) list.addRemote(remote(port, { foundation: 'same' }));
  const [first, ...more] = drain(list);
  expect(more).toEqual([]);
  if (first === undefined) throw new Error('no pair');
  list.unfreezeLike(first);
  expect(drain(list).map(({ route }) => route.port)).toEqual([20]);
});

test('RFC 8445 §6.1.2.2: families do not mix', () => {
  const list = checklist(local(1), local(2, '2001:db8::1'));
  list.addRemote(remote(10));
  list.addRemote(remote(20, { host: '2001:db8::2' }));
  expect([...list.pairs].map(({ key }) => key)).toEqual(['1 198.51.100.1 10', '2 2001:db8::2 20']);
});

test('RFC 8445 §6.1.2.4: a server-reflexive candidate makes no pair of its own', () => {
  const list = checklist(local(1), local(1, '203.0.113.1', 'srflx'));
  list.addRemote(remote(10));
  expect([...list.pairs].length).toBe(1);
});

test('RFC 8445 §7.3.1.3: what signaling says of a peer-reflexive candidate is taken over', () => {
  const list = checklist(local(1));
  list.addRemote(remote(10, { type: 'prflx', priority: 1 }));
  const [pair] = [...list.pairs];
  expect(list.addRemote(remote(10, { type: 'relay', priority: 2 }))).toBe(true);
  expect(list.addRemote(remote(10, { type: 'host', priority: 3 }))).toBe(false);
  expect([...list.pairs]).toEqual([pair]);
  expect(pair?.remote).toMatchObject({ type: 'relay', priority: 2 });
  expect(pair?.isRelayed).toBe(true);
});

test('limits: what leads nowhere makes room, what works stays', () => {
  const list = checklist(...Array.from({ length: 5 }, (_, i) => local(i + 1)));
  list.addRemote(remote(1));
  for (const pair of list.pairs) pair.state = 'succeeded';
  for (let port = 2; port < 1000; port++) list.addRemote(remote(port));
  const pairs = [...list.pairs];
  expect(pairs.length).toBeLessThanOrEqual(iceLimits.pairs);
  expect(new Set(pairs.map(({ route }) => route.port)).size).toBeLessThanOrEqual(
    iceLimits.remoteCandidates,
  );
  expect(pairs.filter(({ isValid }) => isValid).length).toBe(5);
});

test('limits: too many local candidates are refused and counted', () => {
  const list = checklist();
  for (let socket = 1; socket <= iceLimits.localCandidates; socket++) {
    expect(list.addLocal(local(socket))).toBe(true);
  }
  expect(list.addLocal(local(1000))).toBe(false);
  expect(list.refused).toBe(1);
});
