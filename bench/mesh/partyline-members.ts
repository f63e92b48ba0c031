import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type Lobby, type LobbyPeer, openPeer, type Session } from 'partyline/node';
import { answerMeasurer } from '../measured.ts';

/** All members of one lobby in this process; `join` before `mesh`, and `leave` after it. */
const server = `http://${process.argv[2]}`;
const capabilities = (process.argv[3] ?? 'gns').split(',');

const sessions: Session[] = [];
const lobbies: Lobby[] = [];
const peers: LobbyPeer[] = [];

async function joinLobby(count: number): Promise<void> {
  const enter = async (): Promise<Session> => {
    const session = await connect({ server, app: 'bench', inviteBase: server, capabilities });
    sessions.push(session);
    return session;
  };
  const first = await enter();
  const lobby = await first.lobbies.create({ capacity: count });
  lobbies.push(lobby);
  for (let i = 1; i < count; i++) {
    const { lobbies: of } = await enter();
    lobbies.push(await of.join(lobby.code));
  }
  while (lobbies.some(({ members }) => members.length < count)) await sleep(5);
}

/** Until everybody has seen everybody else. */
async function openMesh(count: number): Promise<void> {
  const opened = await Promise.all(
    lobbies.map(async (lobby) => {
      const peer = await openPeer(lobby, { topology: 'mesh' });
      peers.push(peer);
      return peer;
    }),
  );
  await Promise.all(opened.map((peer) => seen(peer, count - 1)));
}

function seen(peer: LobbyPeer, others: number): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (peer.peers.length === others) resolve();
    };
    peer.events.on('peerConnected', look);
    look();
  });
}

async function leave(): Promise<void> {
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
  await Promise.all(sessions.splice(0).map((session) => session.close()));
  lobbies.length = 0;
}

answerMeasurer(0, { join: joinLobby, mesh: openMesh, rest: (ms) => sleep(ms), leave }, () => {
  const open = process.getActiveResourcesInfo();
  const wires = peers.flatMap((peer) => peer.peers.map((id) => peer.stats(id)?.wire ?? 'none'));
  return {
    links: wires.length,
    direct: wires.filter((wire) => wire !== 'relay').length,
    udpSockets: open.filter((name) => name === 'UDPWrap' || name === 'UDPWRAP').length,
    residentMiB: process.memoryUsage.rss() / 2 ** 20,
    heapMiB: process.memoryUsage().heapUsed / 2 ** 20,
  };
});
