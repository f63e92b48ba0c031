import { MemoryStore, systemClock } from '@partyline/server';
import { expect, test } from 'vitest';
import { ControlClient, testServer } from './control-client.ts';

/** Two servers on one store, as two nodes are; they share a data folder's keys in production. */
async function twoNodes() {
  const store = new MemoryStore(systemClock);
  const first = await testServer({}, { store });
  const second = await testServer({}, { store });
  return {
    first,
    second,
    [Symbol.asyncDispose]: async () => {
      await first[Symbol.asyncDispose]();
      await second[Symbol.asyncDispose]();
      await store.close();
    },
  };
}

test('a lobby of one node is joined through another, and both sides hear everything', async () => {
  await using nodes = await twoNodes();
  await using alice = await ControlClient.open(nodes.first.url);
  await using bob = await ControlClient.open(nodes.second.url);
  await alice.login();
  await bob.login();
  const { lobby } = await alice.call('lobby.create', {});
  await bob.call('lobby.join', { by: { type: 'code', code: lobby.code } });
  await alice.event('memberJoined');
  await alice.call('lobby.chat', { lobby: lobby.id, text: 'over there' });
  await bob.until(() => bob.notices.find(({ method }) => method === 'lobby.chatted'));
  alice.ws.terminate();
  await bob.event('ownerChanged');
});

test('changes on two nodes at once conflict, are tried again, and none is lost', async () => {
  await using nodes = await twoNodes();
  await using alice = await ControlClient.open(nodes.first.url);
  await using bob = await ControlClient.open(nodes.second.url);
  await alice.login();
  await bob.login();
  const { lobby } = await alice.call('lobby.create', {});
  const joined = await bob.call('lobby.join', { by: { type: 'code', code: lobby.code } });
  const changes = Array.from({ length: 30 }, (_, n) => [
    alice.call('lobby.setData', { lobby: lobby.id, set: { [`a${n}`]: '1' } }),
    bob.call('lobby.setMemberData', { lobby: lobby.id, set: { [`b${n}`]: '1' } }),
  ]);
  await Promise.all(changes.flat());
  const { lobby: now } = await bob.call('lobby.get', { lobby: lobby.id });
  expect(Object.keys(now.data)).toHaveLength(30);
  expect(Object.keys(now.members[1]?.data ?? {})).toHaveLength(30);
  expect(now.revision).toBe(joined.lobby.revision + 60);
  for (const client of [alice, bob]) {
    await client.call('session.ping', {});
    const revisions = client.notices.map(({ params }) => Number(params.revision));
    expect(revisions.slice(-60)).toEqual(
      Array.from({ length: 60 }, (_, n) => joined.lobby.revision + 1 + n),
    );
  }
});

test('a resume on another node ends the socket on the first with SESSION_REPLACED', async () => {
  await using nodes = await twoNodes();
  await using alice = await ControlClient.open(nodes.first.url);
  const login = await alice.login();
  const { lobby } = await alice.call('lobby.create', {});
  await using again = await ControlClient.open(nodes.second.url);
  const params = await again.resumeParams('arena', login.keys, login.resumeToken);
  const opened = await again.call('session.resume', params);
  expect(opened.lobbies[0]?.lobby.id).toBe(lobby.id);
  expect((await alice.closed).reason).toBe('SESSION_REPLACED');
  const { lobby: now } = await again.call('lobby.get', { lobby: lobby.id });
  expect(now.members[0]?.connected).toBe(true);
});
