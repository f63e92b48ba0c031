import { expect, test } from 'vitest';
import type {
  LobbyEvent,
  Member,
  Lobby as WireLobby,
} from '../../../packages/partyline/src/client/generated/protocol.ts';
import type { Lobby, LobbyEvents, Session } from '../../../packages/partyline/src/client/index.ts';
import { FakeServer, Refusal, SILENCE } from './fake-server.ts';

interface Scene {
  readonly server: FakeServer;
  readonly session: Session;
  readonly lobby: Lobby;
  readonly wire: WireLobby;
  readonly others: readonly Member[];
  readonly seen: string[];
  /** The server says one change. */
  change(revision: number, ...events: LobbyEvent[]): Promise<void>;
}

const eventNames = [
  'memberJoined',
  'memberLeft',
  'memberDisconnected',
  'memberReconnected',
  'ownerChanged',
  'dataChanged',
  'memberDataChanged',
  'memberReadyChanged',
  'settingsChanged',
  'chatted',
  'closed',
] as const satisfies readonly (keyof LobbyEvents)[];

/** Me (1) in a lobby with 2 and 3; 2 owns it. */
async function scene(): Promise<Scene> {
  const server = new FakeServer();
  const session = await server.connect();
  const me = server.member(1, { player: session.player }).member;
  const others = [server.member(2).member, server.member(3).member];
  const wire = server.lobby(2, [me, ...others]);
  server.scripts['lobby.join'] = () => ({ lobby: wire, you: 1 });
  const lobby = await server.settled(session.lobbies.join('ACDEFG'));
  const seen: string[] = [];
  for (const name of eventNames) {
    lobby.events.on(name, (event: object | undefined) => {
      const text = JSON.stringify(event, (key, value) =>
        key === 'member' || key === 'owner' || key === 'from' ? value.id : value,
      );
      seen.push(`${name} ${text ?? ''}`.trim());
    });
  }
  const change = async (revision: number, ...events: LobbyEvent[]): Promise<void> => {
    server.last.notify('lobby.changed', { lobby: wire.id, revision, events });
    await server.clock.advanceAsync(20);
  };
  return { server, session, lobby, wire, others, seen, change };
}

test('what a lobby shows follows the server’s changes, each one an event', async () => {
  const { server, lobby, seen, change } = await scene();
  expect(lobby.isOwner).toBe(false);
  await change(2, { type: 'memberJoined', member: server.member(4).member });
  await change(3, { type: 'dataChanged', set: { map: 'ice', mode: null } });
  await change(4, { type: 'memberDataChanged', member: 2, set: { hat: 'red' } });
  await change(5, { type: 'memberReadyChanged', member: 1, ready: true });
  await change(6, { type: 'memberDisconnected', member: 3 });
  await change(7, { type: 'memberReconnected', member: 3, capabilities: ['webrtc'] });
  await change(8, {
    type: 'settingsChanged',
    lobbyType: 'public',
    name: 'Fun',
    capacity: 5,
    joinable: false,
  });
  expect(seen).toEqual([
    'memberJoined {"member":4}',
    'dataChanged {"changes":{"map":"ice","mode":null}}',
    'memberDataChanged {"member":2,"changes":{"hat":"red"}}',
    'memberReadyChanged {"member":1,"ready":true}',
    'memberDisconnected {"member":3}',
    'memberReconnected {"member":3}',
    'settingsChanged',
  ]);
  expect(lobby).toMatchObject({ revision: 8, type: 'public', name: 'Fun', joinable: false });
  expect(lobby.data.map).toBe('ice');
  expect(lobby.me.ready).toBe(true);
  expect(lobby.member(3)?.capabilities).toEqual(['webrtc']);
});

test('an owner who drops: one revision, one ownerChanged, new peer numbers, listeners see the end of it', async () => {
  const { lobby, change } = await scene();
  const peers: number[] = [];
  lobby.events.on('memberDisconnected', () => peers.push(lobby.me.peer));
  await change(
    2,
    { type: 'memberDisconnected', member: 2 },
    {
      type: 'ownerChanged',
      owner: 1,
      epoch: 2,
      peers: [
        { member: 1, peer: 1 },
        { member: 2, peer: 2 },
        { member: 3, peer: 3 },
      ],
    },
  );
  expect(lobby.isOwner).toBe(true);
  expect(lobby.epoch).toBe(2);
  expect(peers).toEqual([1]);
});

test('a missed revision is made up for by lobby.get, and told as the differences', async () => {
  const { server, lobby, wire, seen, change } = await scene();
  const now = { ...wire, revision: 5, data: { map: 'ice' }, members: wire.members.slice(0, 2) };
  server.scripts['lobby.get'] = () => ({ lobby: now });
  await change(5, { type: 'dataChanged', set: { map: 'ice' } });
  expect(server.requests.filter((name) => name === 'lobby.get').length).toBe(1);
  expect(seen).toEqual([
    'memberLeft {"member":3,"cause":"unknown","reason":""}',
    'dataChanged {"changes":{"map":"ice"}}',
  ]);
  expect(lobby.revision).toBe(5);
  await change(6, { type: 'memberReadyChanged', member: 1, ready: true });
  expect(lobby.revision).toBe(6);
});

test('a change that does not fit leads to lobby.get; an old one is ignored', async () => {
  const { server, wire, lobby, change } = await scene();
  server.scripts['lobby.get'] = () => ({ lobby: { ...wire, revision: 2 } });
  await change(1, { type: 'dataChanged', set: { old: 'news' } });
  expect(server.requests).not.toContain('lobby.get');
  await change(2, { type: 'memberReadyChanged', member: 99, ready: true });
  expect(server.requests).toContain('lobby.get');
  expect(lobby.revision).toBe(2);
});

test('a state that is older than what was heard of is asked for again, until it is new enough', async () => {
  const { server, wire, lobby, change } = await scene();
  let revision = 2;
  server.scripts['lobby.get'] = () => ({ lobby: { ...wire, revision: revision++ } });
  await change(4, { type: 'dataChanged', set: {} });
  await server.clock.advanceAsync(5000);
  expect(lobby.revision).toBe(4);
  expect(server.requests.filter((name) => name === 'lobby.get').length).toBe(3);
});

test('a session that ends while a lobby waits to ask again leaves no timer behind', async () => {
  const { server, session, wire, change } = await scene();
  server.scripts['lobby.get'] = () => ({ lobby: { ...wire, revision: 2 } });
  await change(4, { type: 'dataChanged', set: {} });
  await server.settled(session.close());
  expect(server.clock.pendingTimers).toBe(0);
});

test('a lobby.get that fails is tried again; “not a member” closes the lobby', async () => {
  const { server, lobby, seen, change } = await scene();
  const answers = [new Refusal('SERVER_ERROR'), new Refusal('LOBBY_NOT_MEMBER')];
  server.scripts['lobby.get'] = () => answers.shift();
  await change(4, { type: 'dataChanged', set: {} });
  expect(lobby.isClosed).toBe(false);
  await server.clock.advanceAsync(2000);
  expect(seen).toEqual(['closed {"code":"unknown","reason":"refused"}']);
});

test('a kick ends the lobby with its reason; nothing follows and calls are refused', async () => {
  const { server, session, lobby, seen, change } = await scene();
  await change(2, { type: 'memberLeft', member: 1, cause: 'kicked', reason: 'no hats' });
  await change(3, { type: 'memberReadyChanged', member: 2, ready: true });
  expect(seen).toEqual(['closed {"code":"kicked","reason":"no hats"}']);
  expect(session.lobbies.joined.size).toBe(0);
  expect(lobby.isClosed).toBe(true);
  await expect(lobby.chat('hello?')).rejects.toMatchObject({ code: 'LOBBY_CLOSED' });
  await server.settled(lobby.leave());
  expect(server.requests).not.toContain('lobby.leave');
});

test('a kick is heard even when revisions before it were missed', async () => {
  const { server, seen, change } = await scene();
  await change(9, { type: 'memberLeft', member: 1, cause: 'kicked', reason: 'no hats' });
  expect(seen).toEqual(['closed {"code":"kicked","reason":"no hats"}']);
  expect(server.requests).not.toContain('lobby.get');
});

test('an owner who is gone without a next one is no state: it is asked for', async () => {
  const { server, lobby, change } = await scene();
  server.scripts['lobby.get'] = () => SILENCE;
  await change(2, { type: 'memberLeft', member: 2, cause: 'left', reason: '' });
  expect(server.requests).toContain('lobby.get');
  expect(lobby.owner.id).toBe(2);
});

test('leaving ends the lobby once the server agrees', async () => {
  const { server, lobby, seen } = await scene();
  await server.settled(lobby.leave());
  expect(seen).toEqual(['closed {"code":"left","reason":""}']);
});

test('a leave that is refused leaves the lobby as it is', async () => {
  const { server, lobby } = await scene();
  server.scripts['lobby.leave'] = () => new Refusal('SERVER_ERROR');
  await expect(server.settled(lobby.leave())).rejects.toMatchObject({ code: 'SERVER_ERROR' });
  expect(lobby.isClosed).toBe(false);
});

test('the end of the session ends its lobbies, with the reason', async () => {
  const { server, seen } = await scene();
  server.last.notify('session.ended', { code: 'SERVER_SHUTTING_DOWN', message: 'back at noon' });
  await server.clock.advanceAsync(20);
  expect(seen).toEqual(['closed {"code":"sessionEnded","reason":"back at noon"}']);
});

test('`closed` is the last event even when a listener ends the session amid a change', async () => {
  const { server, session, lobby, seen, change } = await scene();
  server.last.drop(); // so that closing needs no farewell
  lobby.events.on('memberDisconnected', () => void session.close());
  const [me, two, three] = lobby.members;
  if (!me || !two || !three) throw new Error('three members');
  const members = [me, { ...two, connected: false }, { ...three, ready: true }];
  const now = { ...server.lobby(2, members), revision: 9 };
  server.scripts['session.resume'] = ({ sessionKey }) => ({
    ...server.opened(server.playerOf(sessionKey), sessionKey),
    lobbies: [{ lobby: now, you: 1 }],
  });
  server.scripts['session.logout'] = () => SILENCE;
  await server.clock.advanceAsync(5000);
  await change(10, { type: 'memberReadyChanged', member: 2, ready: true });
  expect(seen.at(-1)).toMatch(/^closed /);
  expect(seen.filter((event) => event.startsWith('closed')).length).toBe(1);
});

test('after a reconnect the state is the server’s, told as the differences', async () => {
  const { server, lobby, wire, seen } = await scene();
  const [me, two] = wire.members;
  if (!me || !two) throw new Error('three members');
  const came = server.member(4, { peer: 2 }).member;
  const members = [{ ...me, peer: 1 }, { ...two, connected: false, peer: 3 }, came];
  const now = { ...wire, revision: 9, owner: 1, epoch: 2, members };
  server.held = [{ lobby: now, you: 1 }];
  server.last.drop();
  await server.clock.advanceAsync(1000);
  expect(seen).toEqual([
    'memberLeft {"member":3,"cause":"unknown","reason":""}',
    'memberDisconnected {"member":2}',
    'memberJoined {"member":4}',
    'ownerChanged {"owner":1,"epoch":2}',
  ]);
  expect(lobby.isOwner).toBe(true);
});

test('a lobby whose seat is gone after a reconnect is closed', async () => {
  const { server, seen } = await scene();
  server.last.drop();
  await server.clock.advanceAsync(1000);
  expect(seen.at(-1)).toMatch(/^closed \{"code":"expired"/);
});

test('chat names its sender; a line from nobody is counted', async () => {
  const { server, session, wire, seen } = await scene();
  server.last.notify('lobby.chatted', { lobby: wire.id, from: 2, text: 'hi', atMs: 5 });
  server.last.notify('lobby.chatted', { lobby: wire.id, from: 99, text: 'boo', atMs: 6 });
  await server.clock.advanceAsync(20);
  expect(seen).toEqual(['chatted {"from":2,"text":"hi","atMs":5}']);
  expect(session.stats().unexpected).toBe(1);
});

test('changes that arrive right behind the answer to a join find their lobby', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  const wire = server.lobby(1, [server.member(1).member]);
  server.scripts['lobby.create'] = (_, connection) => {
    // In one turn with the answer, which goes out first.
    queueMicrotask(() => {
      const events = [{ type: 'dataChanged' as const, set: { map: 'ice' } }];
      connection.notify('lobby.changed', { lobby: wire.id, revision: 2, events });
    });
    return { lobby: wire, you: 1 };
  };
  const lobby = await server.settled(session.lobbies.create());
  expect(lobby.data.map).toBe('ice');
});

test('links: the code for as long as the lobby lives, a token for one join', async () => {
  const { server, session, lobby } = await scene();
  server.scripts['lobby.invite'] = () => ({ token: 'i'.repeat(32), expiresInMs: 1000 });
  expect(lobby.inviteLink()).toBe('https://fake.example/#join=ACDEFG');
  const invite = await server.settled(lobby.createInvite());
  expect(invite.link).toBe(`https://fake.example/#invite=${'i'.repeat(32)}`);
  server.scripts['lobby.join'] = ({ by }) => new Refusal(by.type === 'invite' ? 'LOBBY_LIMIT' : '');
  await expect(server.settled(session.lobbies.join(invite.link))).rejects.toMatchObject({
    code: 'LOBBY_LIMIT',
  });
  await expect(session.lobbies.join('what?')).rejects.toMatchObject({ code: 'OPTIONS_INVALID' });
});

test('no answer to a call of a lobby is an end as well', async () => {
  const { server, lobby } = await scene();
  for (const method of ['lobby.setData', 'lobby.kick', 'lobby.relayTicket'] as const) {
    server.scripts[method] = () => SILENCE;
  }
  for (const call of [
    () => lobby.setData({ a: 'b' }),
    () => lobby.kick(2),
    () => lobby.relayTicket(),
  ]) {
    await expect(server.settled<unknown>(call())).rejects.toMatchObject({
      code: 'REQUEST_TIMEOUT',
    });
  }
});
