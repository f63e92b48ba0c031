import { createHash } from 'node:crypto';
import { nodeCrypto } from '../../packages/partyline/src/node/crypto.ts';
import { loadPeerConnections } from '../../packages/partyline/src/node/peer-connection.ts';
import { nodeScheduler } from '../../packages/partyline/src/node/scheduler.ts';
import { Link } from '../../packages/partyline/src/peers/index.ts';
import { WebRtcSession } from '../../packages/partyline/src/webrtc/index.ts';
import type { OpenLine } from './line.ts';

const createPeerConnection = await loadPeerConnections();
const seed = (member: number): Uint8Array =>
  new Uint8Array(createHash('sha256').update(`bench ${member}`).digest());
/** Most bytes in the link before the sender waits. */
const MAX_BUFFERED_BYTES = 256 * 1024;

/** What a game gets: a link with its bundling, acknowledgements and channels, over a verified session. */
export const openPartylineLine: OpenLine = (offers, sendSignal, events) => {
  const [local, remote] = offers ? [1, 2] : [2, 1];
  const link = new Link(nodeScheduler, {
    onMessage: ({ bytes }) => events.onMessage(bytes),
    onWireLost: () => {},
    onEnded: () => {},
    onDrained: () => {},
  });
  const wire = link.handlersFor(() => session);
  const session: WebRtcSession = new WebRtcSession({
    context: {
      app: 'bench',
      lobby: 'bench',
      epoch: 1,
      local,
      remote,
      remoteKey: nodeCrypto.ed25519PublicKey(seed(remote)),
    },
    sign: (bytes) => nodeCrypto.ed25519Sign(seed(local), bytes),
    crypto: nodeCrypto,
    scheduler: nodeScheduler,
    createPeerConnection: () => createPeerConnection(),
    sendSignal: (payload) => sendSignal(Buffer.from(payload).toString('base64')),
    handlers: {
      ...wire,
      onOpen: () => {
        link.attach(session);
        events.onOpen();
      },
    },
  });
  return {
    send: (bytes, reliable) =>
      link.send(
        { channel: 0, mode: reliable ? 'reliable' : 'unreliable', peer: remote, system: false },
        bytes,
      ),
    get hasRoom() {
      return link.bufferedBytes < MAX_BUFFERED_BYTES;
    },
    handleSignal: (signal) => session.handleSignal(Buffer.from(String(signal), 'base64')),
    close: () => {
      link.close('done');
      session.close();
    },
  };
};
