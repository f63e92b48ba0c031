import { nodeCrypto } from '../../packages/partyline/src/node/crypto.ts';
import { loadPeerConnections } from '../../packages/partyline/src/node/peer-connection.ts';
import { nodeScheduler } from '../../packages/partyline/src/node/scheduler.ts';
import { createMember, type Member } from './webrtc-member.ts';

const createPeerConnection = await loadPeerConnections();

/** Two members in this process over node-datachannel; signals take a millisecond. */
export function nodePair(): [Member, Member] {
  const carry =
    (to: 0 | 1) =>
    (payload: Uint8Array): void => {
      setTimeout(() => pair[to].session.handleSignal(payload), 1);
    };
  const side = (local: 1 | 2): Member =>
    createMember({
      local,
      remote: local === 1 ? 2 : 1,
      crypto: nodeCrypto,
      scheduler: nodeScheduler,
      createPeerConnection: () => createPeerConnection(),
      sendSignal: carry(local === 1 ? 1 : 0),
    });
  const pair: [Member, Member] = [side(1), side(2)];
  return pair;
}
