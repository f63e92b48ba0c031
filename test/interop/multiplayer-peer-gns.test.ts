import { expect, test } from 'vitest';
import { describeMesh, describeMultiplayerPeer } from '../contract/multiplayer-peer-suite.ts';
import { lobbyOfThree } from './lobby-of-three.ts';

describeMultiplayerPeer('GNS P2P', () => lobbyOfThree({ wires: ['gns'] }, ['gns']));

describeMesh('GNS P2P', () => lobbyOfThree({ topology: 'mesh', wires: ['gns'] }, ['gns']));

test('members that have both play by GNS, and say so', async () => {
  await using star = await lobbyOfThree({}, ['gns', 'webrtc', 'relay']);
  const wires = star.clients.map((client) => client.stats(1)?.wire);
  expect(wires).toEqual(['gns', 'gns']);
});

test('members that do not publish it play by what they have', async () => {
  await using star = await lobbyOfThree({}, ['relay']);
  expect(star.clients.map((client) => client.stats(1)?.wire)).toEqual(['relay', 'relay']);
});
