import { setTimeout as delay } from 'node:timers/promises';
import type { Lobby, Session } from '../../packages/partyline/src/client/index.ts';
import {
  connect,
  type OpenPeerOptions,
  openPeer,
} from '../../packages/partyline/src/node/index.ts';
import type { LobbyPeer } from '../../packages/partyline/src/peers/index.ts';
import type { MultiplayerPeerSetup } from '../contract/multiplayer-peer-suite.ts';
import { startTestServer } from '../scenario/client/real-server.ts';

export interface LobbyOfThree extends MultiplayerPeerSetup {
  readonly host: LobbyPeer;
  readonly clients: readonly [LobbyPeer, LobbyPeer];
  readonly lobbies: readonly [Lobby, Lobby, Lobby];
  /** Another player's session, with the same capabilities. */
  join(): Promise<Session>;
}

/** A real server, three sessions in one lobby, and their peers over the wires that the options allow. */
export async function lobbyOfThree(
  options: OpenPeerOptions,
  capabilities?: readonly string[],
): Promise<LobbyOfThree> {
  const server = await startTestServer();
  const join = () =>
    connect({ app: 'game', server: server.url, inviteBase: server.url, capabilities });
  const sessions = await Promise.all([join(), join(), join()]);
  const [first, ...others] = sessions;
  if (!first) throw new Error('three sessions');
  const lobby = await first.lobbies.create();
  const [second, third] = await Promise.all(others.map(({ lobbies }) => lobbies.join(lobby.code)));
  if (!second || !third) throw new Error('two members');
  const host = await openPeer(lobby, options);
  const clients = await Promise.all([openPeer(second, options), openPeer(third, options)]);
  const peers = [host, ...clients];
  await until(() => peers.every((peer) => peer.peers.length === 2));
  return {
    host,
    clients,
    lobbies: [lobby, second, third],
    join: async () => {
      const session = await join();
      sessions.push(session);
      return session;
    },
    settle: () => quiet(peers),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(peers.map((peer) => peer.close()));
      await Promise.all(sessions.map((session) => session.close()));
      await server.close();
    },
  };
}

export async function until(condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  for (const end = Date.now() + timeoutMs; !condition(); await delay(5)) {
    if (Date.now() > end) throw new Error('it did not come to that in time');
  }
}

/** Until nothing was sent or received for a while and nothing reliable is pending. */
async function quiet(peers: readonly LobbyPeer[]): Promise<void> {
  const snapshot = (): string =>
    JSON.stringify(
      peers.map((peer) =>
        peer.peers.map((id) => {
          const stats = peer.stats(id);
          return [peer.status, stats?.receivedMessages, stats?.pendingReliableBytes];
        }),
      ),
    );
  let last = '';
  let since = Date.now();
  for (const end = since + 30_000; Date.now() < end; await delay(10)) {
    const now = snapshot();
    if (now !== last) since = Date.now();
    last = now;
    const idle = peers.every((peer) =>
      peer.peers.every((id) => (peer.stats(id)?.pendingReliableBytes ?? 0) === 0),
    );
    if (idle && Date.now() - since >= 150) return;
  }
  throw new Error('the network does not come to rest');
}
