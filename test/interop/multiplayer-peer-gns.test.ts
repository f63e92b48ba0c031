import { expect, test } from 'vitest';
import { describeMultiplayerPeer } from '../contract/multiplayer-peer-suite.ts';
import { lobbyStar } from './lobby-star.ts';

describeMultiplayerPeer('GNS P2P', () => lobbyStar({ wires: ['gns'] }, ['gns']));

test('members that have both play by GNS, and say so', async () => {
  await using star = await lobbyStar({}, ['gns', 'webrtc', 'relay']);
  const wires = star.clients.map((client) => client.stats(1)?.wire);
  expect(wires).toEqual(['gns', 'gns']);
});

test('members that do not publish it play by what they have', async () => {
  await using star = await lobbyStar({}, ['relay']);
  expect(star.clients.map((client) => client.stats(1)?.wire)).toEqual(['relay', 'relay']);
});
