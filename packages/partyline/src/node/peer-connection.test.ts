import { expect, test } from 'vitest';
import type { PeerConnectionLike } from '../webrtc/index.ts';
import { loadPeerConnections } from './peer-connection.ts';
import { nativeIceServers } from './peer-connection-servers.ts';

test('without node-datachannel: WEBRTC_UNAVAILABLE with what to install', async () => {
  const missing = loadPeerConnections(() => Promise.reject(new Error('not found')));
  await expect(missing).rejects.toMatchObject({
    code: 'WEBRTC_UNAVAILABLE',
    message: expect.stringContaining('npm install node-datachannel'),
  });
});

test.each([
  ['stun:stun.example:3479', { hostname: 'stun.example', port: 3479 }],
  ['stun:192.0.2.1', { hostname: '192.0.2.1', port: 3478 }],
  ['stun:[2001:db8::1]:99', { hostname: '2001:db8::1', port: 99 }],
  [
    'turn:turn.example?transport=udp',
    { hostname: 'turn.example', port: 3478, username: 'u', password: 'p', relayType: 'TurnUdp' },
  ],
])('%s is understood', (urls, server) => {
  expect(nativeIceServers([{ urls, username: 'u', credential: 'p' }])).toEqual([server]);
});

test.each([
  'turn:turn.example?transport=tcp',
  'turns:turn.example',
  'stuns:x',
  'http://x',
  'stun:',
])('%s is left out: the library cannot do it', (url) => {
  expect(nativeIceServers([{ urls: [url], username: 'u', credential: 'p' }])).toEqual([]);
});

test('a local description out of place is an error, not the end of the program', async () => {
  const create = await loadPeerConnections();
  const connection = create();
  await expect(connection.setLocalDescription()).rejects.toThrow('no local description');
  connection.createDataChannel('x', { negotiated: true, id: 0, ordered: true });
  await connection.setLocalDescription();
  await expect(connection.setLocalDescription()).rejects.toThrow('have-local-offer');
  connection.close();
  expect(connection.connectionState).toBe('closed');
  connection.close();
});

test('the answerer takes the passive part and holds its answer until it has a path', async () => {
  const create = await loadPeerConnections();
  const [a, b] = [create(), create()];
  const carry = (from: PeerConnectionLike, to: PeerConnectionLike): void => {
    from.addEventListener('icecandidate', ({ candidate }) => {
      if (!candidate || !to.remoteDescription) return;
      void to.addIceCandidate({ candidate: candidate.candidate, sdpMLineIndex: 0 });
    });
  };
  for (const end of [a, b]) {
    end.createDataChannel('x', { negotiated: true, id: 0, ordered: true });
  }
  await a.setLocalDescription();
  const offer = a.localDescription;
  if (!offer) throw new Error('no offer');
  await b.setRemoteDescription(offer);
  carry(a, b);
  await b.setLocalDescription();
  expect(b.localDescription?.sdp).toContain('a=setup:passive');
  expect(b.signalingState).toBe('stable');
  a.close();
  b.close();
});
