import { IceAgent, type IceDialect, type IceRole, iceLimits } from 'partyline/protocol/ice';
import { describe, expect, test } from 'vitest';
import { seededIceCrypto } from './sim-peer.ts';

const addresses = [
  { host: '192.0.2.1', port: 1000 },
  { host: '192.0.2.2', port: 2000 },
] as const;

/** Two agents on one network, whose clock and datagrams the test moves. */
class Two {
  readonly agents: readonly [IceAgent, IceAgent];
  now = 0;

  constructor(dialect: IceDialect) {
    const open = (index: 0 | 1, role: IceRole): IceAgent => {
      const credentials = { ufrag: `frag${index}`, password: `password${index}of22characters` };
      const crypto = seededIceCrypto(index + 1);
      const agent = new IceAgent({ crypto, role, dialect, credentials });
      agent.addLocalCandidate(0, { type: 'host', address: addresses[index], socket: 1 });
      return agent;
    };
    this.agents = [open(0, 'controlling'), open(1, 'controlled')];
  }

  /** Signaling tells one of them all of the other. */
  introduce(index: 0 | 1): void {
    const other = index === 0 ? 1 : 0;
    const agent = this.agents[index];
    agent.setRemoteCredentials(this.now, this.agents[other].credentials);
    agent.addRemoteCandidate(this.now, {
      ...{ type: 'host', ...addresses[other], priority: 2_130_706_431 },
      ...{ foundation: '1', component: 1 },
    });
  }

  run(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += 5) {
      for (const index of [0, 1] as const) this.#carry(index);
      for (const agent of this.agents) agent.handleTimeout(this.now);
    }
  }

  #carry(index: 0 | 1): void {
    const [from, to] = [this.agents[index], this.agents[index === 0 ? 1 : 0]];
    for (let t = from.pollTransmit(); t !== undefined; t = from.pollTransmit()) {
      to.handleDatagram(this.now, { socket: 1, ...addresses[index] }, t.bytes);
    }
  }
}

describe.each(['standard', 'gns'] as const)('%s: nominated before signaling came', (dialect) => {
  function nominated(): Two {
    const two = new Two(dialect);
    two.introduce(0);
    two.run(400);
    // Its checks were answered: it will not say again which pair it takes.
    expect(two.agents.map(({ state }) => state)).toEqual(['connected', 'new']);
    return two;
  }

  test('it counts once the credentials come', () => {
    const two = nominated();
    two.introduce(1);
    two.run(100);
    expect(two.agents[1].state).toBe('connected');
    expect(two.agents[1].selectedPair?.remote.port).toBe(addresses[0].port);
  });

  test.each([
    ['with another password', { ufrag: 'frag0', password: 'thePasswordOfARunBefore' }],
    ['of a run before', { ufrag: 'frag9', password: 'thePasswordOfARunBefore' }],
  ])('it counts though credentials %s come first', (_, stale) => {
    const two = nominated();
    two.agents[1].setRemoteCredentials(two.now, stale);
    two.run(50);
    two.introduce(1);
    two.run(100);
    expect(two.agents[1].state).toBe('connected');
  });

  test('what was checked with credentials that never come is not followed', () => {
    const two = nominated();
    two.agents[1].setRemoteCredentials(two.now, { ufrag: 'frag9', password: 'x'.repeat(22) });
    two.run(1000);
    expect(two.agents[1].state).not.toBe('connected');
  });
});

test('a restart that signaling tells of late: its nomination counts', () => {
  const two = new Two('standard');
  two.introduce(0);
  two.introduce(1);
  two.run(400);
  const [a, b] = two.agents;
  expect([a.state, b.state]).toEqual(['connected', 'connected']);
  // Both restart; only the controlling side hears of the other's new credentials.
  a.restart(two.now);
  b.restart(two.now);
  b.setRemoteCredentials(two.now, { ufrag: 'frag9', password: 'thePasswordOfARunBefore' });
  two.introduce(0);
  two.run(400);
  const drain = (): string[] => {
    const types: string[] = [];
    for (let e = b.pollEvent(); e !== undefined; e = b.pollEvent()) types.push(e.type);
    return types;
  };
  drain();
  two.introduce(1);
  two.run(100);
  expect(drain()).toContain('selectedPairChanged');
});

test('early checks are kept from a bounded number of addresses, the last ones', () => {
  const two = new Two('gns');
  const [a, b] = two.agents;
  two.introduce(0);
  a.handleTimeout(0);
  const check = a.pollTransmit()?.bytes ?? new Uint8Array(0);
  b.setRemoteCredentials(0, { ufrag: 'frag9', password: 'thePasswordOfARunBefore' });
  for (let port = 1; port <= 500; port++) {
    b.handleDatagram(0, { socket: 1, host: '198.51.100.9', port }, check);
  }
  while (b.pollTransmit() !== undefined); // 500 answers
  b.setRemoteCredentials(0, a.credentials);
  const asked = new Set<number>();
  for (let now = 0; now < 3000; now += 20) {
    b.handleTimeout(now);
    for (let t = b.pollTransmit(); t !== undefined; t = b.pollTransmit()) asked.add(t.to.port);
  }
  const last = Array.from({ length: iceLimits.earlyChecks }, (_, i) => 500 - i);
  expect([...asked].toSorted()).toEqual(last.toSorted());
});
