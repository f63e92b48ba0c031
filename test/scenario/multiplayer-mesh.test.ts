import { expect, test } from 'vitest';
import {
  Multiplayer,
  type MultiplayerOptions,
  rpc,
} from '../../packages/partyline/src/multiplayer/index.ts';
import { LoopbackMesh } from '../../packages/partyline/src/peers/index.ts';
import { VirtualClock } from '../../packages/partyline/src/testing/index.ts';

function game(options: MultiplayerOptions = {}) {
  const clock = new VirtualClock();
  const mesh = new LoopbackMesh({ scheduler: clock });
  const players = [10, 20, 30].map((id) => {
    const lines: string[] = [];
    const multiplayer = new Multiplayer({ ...options });
    const { events } = multiplayer;
    events.on('peerConnected', (event) => lines.push(`+${event.id}`));
    events.on('peerDisconnected', (event) => lines.push(`-${event.id}`));
    events.on('connectedToServer', () => lines.push('connectedToServer'));
    events.on('serverDisconnected', ({ reason }) => lines.push(`over ${reason}`));
    events.on('peerAuthenticating', (event) => lines.push(`?${event.id}`));
    events.on('peerAuthenticationFailed', (event) => lines.push(`!${event.id}`));
    multiplayer.peer = mesh.join(id);
    const object = multiplayer.object('game', {
      say: rpc({ mode: 'anyPeer' }, ({ remoteSender }, text: string) => {
        lines.push(`${remoteSender} says ${text}`);
      }),
      rule: rpc({}, ({ remoteSender }) => {
        lines.push(`${remoteSender} rules`);
      }),
    });
    return { multiplayer, object, lines };
  });
  return { clock, players };
}

test('mesh: no server; rpcs go straight, and every two authenticate each other', () => {
  const { clock, players } = game({
    authCallback: () => {},
    authTimeoutMs: 0,
  });
  const [a, b, c] = players;
  clock.advance(100);
  expect(a?.lines).toEqual(['?20', '?30']);
  a?.multiplayer.completeAuth(20);
  b?.multiplayer.completeAuth(10);
  c?.multiplayer.completeAuth(20);
  clock.advance(100);
  expect(players.map(({ multiplayer }) => multiplayer.peers)).toEqual([[20], [10], []]);
  a?.object.rpc('say', 'psst');
  clock.advance(100);
  expect(b?.lines.at(-1)).toBe('10 says psst');
  expect(c?.lines).toEqual(['?10', '?20']);
  a?.multiplayer.disconnectPeer(30, 'no');
  clock.advance(2000);
  expect(c?.lines.at(-1)).toBe('!10');
  expect(players.map(({ multiplayer }) => multiplayer.isServer)).toEqual([false, false, false]);
});

test('mesh: rpcs of the authority belong to whom the game says; one who leaves ends nobody else', async () => {
  const { clock, players } = game();
  const [a, b, c] = players;
  clock.advance(100);
  expect(() => a?.object.rpc('rule')).toThrow(expect.objectContaining({ code: 'RPC_FORBIDDEN' }));
  for (const { object } of players) object.authority = 20;
  b?.object.rpc('rule');
  b?.object.rpcId(-10, 'say', 'only 30');
  clock.advance(100);
  expect(a?.lines).toEqual(['+20', '+30', '20 rules']);
  expect(c?.lines).toEqual(['+10', '+20', '20 rules', '20 says only 30']);
  const closed = b?.multiplayer.peer?.close('enough');
  await clock.advanceAsync(2000);
  await closed;
  expect(b?.lines.at(-1)).toBe('over enough');
  a?.object.rpc('say', 'still here');
  clock.advance(100);
  expect(a?.lines.at(-1)).toBe('-20');
  expect(c?.lines.slice(-2)).toEqual(['-20', '10 says still here']);
});
