import { IceAgent, type IceCandidateType, type IceRole } from 'partyline/protocol/ice';
import { expect, test } from 'vitest';
import { seededIceCrypto } from './sim-peer.ts';

/** When an agent first sends from its relay, in ms; it has a host candidate too where `hasHost`. */
function firstRelayedCheck(role: IceRole, hasHost: boolean): number | undefined {
  const agent = new IceAgent({ crypto: seededIceCrypto(1), role });
  const add = (type: 'host' | 'relay', socket: number): void => {
    agent.addLocalCandidate(0, { type, address: { host: '192.0.2.1', port: socket }, socket });
  };
  add('relay', 2);
  if (hasHost) add('host', 1);
  agent.setRemoteCredentials(0, { ufrag: 'frag', password: 'passwordOf22characters' });
  const type: IceCandidateType = 'srflx';
  const other = { type, host: '198.51.100.1', port: 9, priority: 1, foundation: '1', component: 1 };
  agent.addRemoteCandidate(0, other);
  for (let now = 0; now < 2000; now = agent.pollTimeout() ?? 2000) {
    agent.handleTimeout(now);
    for (let t = agent.pollTransmit(); t !== undefined; t = agent.pollTransmit()) {
      if (t.to.socket === 2) return now;
    }
  }
  return undefined;
}

test('relayed pairs are left alone at first, where there are direct ones', () => {
  for (const role of ['controlled', 'controlling'] as const) {
    expect(firstRelayedCheck(role, true)).toBe(200);
    expect(firstRelayedCheck(role, false)).toBe(0);
  }
});
