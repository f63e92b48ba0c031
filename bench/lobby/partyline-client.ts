import { SERVER } from 'partyline';
import { connect, type Lobby, openPeer, type Session, startSession } from 'partyline/node';
import { decodeFrame, encodeFrame, FrameType } from 'partyline/protocol/signaling';
import { WebSocket } from 'ws';
import { answerMeasurer } from '../measured.ts';
import { load, type Pair, relayThrough, repeat } from './load.ts';

const app = 'bench';
const server = `http://127.0.0.1:${process.argv[2]}`;
/** Those on which lobbies are created without a new socket. */
let openSessions: readonly Session[] = [];
let framePairs: readonly Pair[] = [];
let peerPairs: readonly Pair[] = [];
const opened: Session[] = [];

answerMeasurer(0, {
  /** A new guest each time: a fresh key, a socket, a login, and a lobby that is asked for without waiting. */
  createFresh: (count) =>
    repeat(count, load.createsInFlight, async () => {
      const session = startSession({ server, app });
      opened.push(session);
      await session.lobbies.create();
    }),

  closeSessions: async () => {
    await Promise.all(opened.splice(0).map((session) => session.close()));
  },

  createOpen: async (count) => {
    if (openSessions.length === 0) openSessions = await connectMany(load.openSessions);
    const share = openSessions.length;
    const creating = openSessions.map(({ lobbies }) =>
      repeat(count / share, load.createsInFlight / share, async () => {
        await lobbies.create();
      }),
    );
    await Promise.all(creating);
  },

  leaveLobbies: async () => {
    const joined = openSessions.flatMap(({ lobbies }) => [...lobbies.joined.values()]);
    await repeat(joined.length, load.createsInFlight, async () => joined.pop()?.leave());
  },

  openPairs: async (count) => {
    framePairs = await Promise.all(Array.from({ length: count }, openFramePair));
    peerPairs = await Promise.all(Array.from({ length: count }, openPeerPair));
  },

  relayFrames: (count) => relayThrough(framePairs, count),

  relayPeers: (count) => relayThrough(peerPairs, count),
});

function connectMany(count: number): Promise<Session[]> {
  return Promise.all(Array.from({ length: count }, () => connect({ server, app })));
}

/** Two sessions in one lobby. */
async function openLobby(capabilities?: readonly string[]): Promise<[Session, Lobby][]> {
  const options = { server, app, capabilities };
  const [a, b] = await Promise.all([connect(options), connect(options)]);
  const hosted = await a.lobbies.create();
  return [
    [a, hosted],
    [b, await b.lobbies.join(hosted.code)],
  ];
}

/** The relay's frames as they are, on plain WebSockets: what the server alone can do. */
async function openFramePair(): Promise<Pair> {
  const members = await openLobby();
  const [sender, receiver] = await Promise.all(members.map(openRelaySocket));
  const to = members[1]?.[1].me.id;
  if (!sender || !receiver || to === undefined) throw new Error('a lobby of less than two');
  const payload = new Uint8Array(load.messageBytes);
  const pair: Pair = {
    send: () => sender.send(encodeFrame(FrameType.RelayReliable, to, payload)),
    onArrival: () => {},
  };
  receiver.on('message', (bytes: Buffer) => {
    if (decodeFrame(bytes).payload.length === load.messageBytes) pair.onArrival();
  });
  return pair;
}

/** What a game has: reliable messages between peers, verified and sealed, on the relay wire. */
async function openPeerPair(): Promise<Pair> {
  const members = await openLobby(['relay']);
  const [host, client] = await Promise.all(members.map(([, lobby]) => openPeer(lobby)));
  if (!host || !client) throw new Error('a lobby of less than two');
  const payload = new Uint8Array(load.messageBytes);
  const pair: Pair = { send: () => client.send(SERVER, payload), onArrival: () => {} };
  host.events.on('readable', () => {
    for (let message = host.receive(); message; message = host.receive()) pair.onArrival();
  });
  return pair;
}

async function openRelaySocket([session, lobby]: [Session, Lobby]): Promise<WebSocket> {
  const ticket = await lobby.relayTicket();
  const socket = new WebSocket(session.relayUrl, ['partyline.relay.v1', ticket], {
    perMessageDeflate: false,
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return socket;
}
