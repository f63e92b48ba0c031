import { type DataChannel, PeerConnection } from 'node-datachannel';
import type { OpenLine } from './line.ts';

/** Most bytes in the data channel before the sender waits. */
const MAX_BUFFERED_BYTES = 256 * 1024;

/** node-datachannel used plainly: candidates trickle, one channel of either kind. */
export const openRawLine: OpenLine = (offers, sendSignal, events) => {
  const connection = new PeerConnection('bench', {
    iceServers: [],
    disableAutoNegotiation: true, // or both ends would offer: both make the channels
  });
  connection.onLocalDescription((sdp, type) => sendSignal({ sdp, type }));
  connection.onLocalCandidate((candidate, mid) => sendSignal({ candidate, mid }));
  connection.onStateChange(() => {});
  /** Callbacks of different kinds overtake each other. */
  const waiting: [candidate: string, mid: string][] = [];
  let isDescribed = false;
  let open = 0;
  const adopt = (channel: DataChannel): DataChannel => {
    channel.onOpen(() => {
      open += 1;
      if (open === 2) events.onOpen();
    });
    channel.onMessage((data) => {
      if (data instanceof Uint8Array) events.onMessage(data);
    });
    return channel;
  };
  const negotiated = { negotiated: true } as const;
  const reliable = adopt(connection.createDataChannel('reliable', { ...negotiated, id: 0 }));
  const unreliable = adopt(
    connection.createDataChannel('unreliable', {
      ...negotiated,
      id: 1,
      unordered: true,
      maxRetransmits: 0,
    }),
  );
  if (offers) connection.setLocalDescription('offer');
  return {
    send: (bytes, isReliable) => {
      (isReliable ? reliable : unreliable).sendMessageBinary(bytes);
    },
    get hasRoom() {
      return reliable.bufferedAmount() < MAX_BUFFERED_BYTES;
    },
    handleSignal: (signal) => {
      // Written by the other end of this file.
      const { sdp, type, candidate, mid } = signal as Record<string, string>;
      if (sdp) {
        connection.setRemoteDescription(sdp, type === 'offer' ? 'offer' : 'answer');
        if (type === 'offer') connection.setLocalDescription('answer');
        isDescribed = true;
        for (const early of waiting) connection.addRemoteCandidate(...early);
      } else if (candidate) {
        if (isDescribed) connection.addRemoteCandidate(candidate, mid ?? '0');
        else waiting.push([candidate, mid ?? '0']);
      }
    },
    close: () => {
      connection.close();
    },
  };
};
