import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type Lobby, type LobbyPeer, openPeer, type Session } from 'partyline/node';
import { answerMeasurer } from '../measured.ts';

/** All members of one lobby in this process; `join` before `mesh`, and `leave` after it. */
const server = `http://${process.argv[2]}`;
const capabilities = (process.argv[3] ?? 'gns').split(',');

/** Sockets that are open so long after everybody has left are forgotten ones. */
const LEAVE_LIMIT_MS = 30_000;

const sessions: Session[] = [];
const lobbies: Lobby[] = [];
const peers: LobbyPeer[] = [];
/** What the members were told: once for each end of a link, and never again if all goes well. */
const told = { connected: 0, disconnected: 0 };

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
      told.connected += peer.peers.length;
      peer.events.on('peerConnected', () => told.connected++);
      peer.events.on('peerDisconnected', () => told.disconnected++);
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

/** Until every socket is closed, which is a while after the last word. */
async function leave(): Promise<void> {
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
  await Promise.all(sessions.splice(0).map((session) => session.close()));
  lobbies.length = 0;
  const deadline = performance.now() + LEAVE_LIMIT_MS;
  while (udpSockets() > 0) {
    if (performance.now() > deadline) throw new Error(`${udpSockets()} UDP sockets are still open`);
    await sleep(50);
  }
}

/** As Linux counts them: some belong to native code, which Node knows nothing of. */
function udpSockets(): number {
  const inodes = new Set<string>();
  for (const file of ['udp', 'udp6']) {
    const [, ...lines] = readFileSync(`/proc/self/net/${file}`, 'utf8').trim().split('\n');
    for (const line of lines) inodes.add(line.trim().split(/\s+/)[9] ?? '');
  }
  const isUdp = (fd: string): boolean => {
    try {
      return inodes.has(/^socket:\[(\d+)]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? '');
    } catch {
      return false; // the one that listed them
    }
  };
  return readdirSync('/proc/self/fd').filter(isUdp).length;
}

answerMeasurer(0, { join: joinLobby, mesh: openMesh, rest: (ms) => sleep(ms), leave }, () => {
  const wires = peers.flatMap((peer) => peer.peers.map((id) => peer.stats(id)?.wire ?? 'none'));
  return {
    links: wires.length,
    direct: wires.filter((wire) => wire !== 'relay').length,
    ...told,
    udpSockets: udpSockets(),
    residentMiB: process.memoryUsage.rss() / 2 ** 20,
    heapMiB: process.memoryUsage().heapUsed / 2 ** 20,
  };
});
