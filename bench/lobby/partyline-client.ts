import { connect, type Lobby, type Session } from 'partyline/node';
import { decodeFrame, encodeFrame, FrameType } from 'partyline/protocol/signaling';
import { WebSocket } from 'ws';
import { answerMeasurer } from '../measured.ts';
import { load, type Pair, relayThrough, repeat } from './load.ts';

const app = 'bench';
const server = `http://127.0.0.1:${process.argv[2]}`;
/** As many as there are lobbies in the making, so that no player meets the limit of lobbies a session. */
let sessions: readonly Session[] = [];
let pairs: readonly Pair[] = [];
const opened: Session[] = [];

answerMeasurer(0, {
  /** A new guest each time: a fresh key, a socket, a login, a lobby. */
  createFresh: (count) =>
    repeat(count, load.createsInFlight, async () => {
      const session = await connect({ server, app });
      opened.push(session);
      await session.lobbies.create();
    }),

  leaveAll: async () => {
    await Promise.all(opened.splice(0).map((session) => session.close()));
  },

  openSessions: async (count) => {
    const one = (): Promise<Session> => connect({ server, app });
    sessions = await Promise.all(Array.from({ length: count }, one));
  },

  /** On sessions that are open already; each lobby is left again, in the same time. */
  createOpen: async (count) => {
    const free = [...sessions];
    await repeat(count, sessions.length, async () => {
      const session = free.pop();
      if (session === undefined) throw new Error('more creates in flight than sessions');
      const lobby = await session.lobbies.create();
      await lobby.leave();
      free.push(session);
    });
  },

  openPairs: async () => {
    pairs = await Promise.all(Array.from({ length: load.pairs }, openPair));
  },

  relay: (count) => relayThrough(pairs, count),
});

/** Two members of a lobby on the relay wire, as its frames go over the socket. */
async function openPair(): Promise<Pair> {
  const [a, b] = await Promise.all([connect({ server, app }), connect({ server, app })]);
  const hosted = await a.lobbies.create();
  const joined = await b.lobbies.join(hosted.code);
  const [sender, receiver] = await Promise.all([
    openRelaySocket(a, hosted),
    openRelaySocket(b, joined),
  ]);
  const payload = new Uint8Array(load.messageBytes);
  const pair: Pair = {
    send: () => sender.send(encodeFrame(FrameType.RelayReliable, joined.me.id, payload)),
    onArrival: () => {},
  };
  receiver.on('message', (bytes: Buffer) => {
    if (decodeFrame(bytes).payload.length === load.messageBytes) pair.onArrival();
  });
  return pair;
}

async function openRelaySocket(session: Session, lobby: Lobby): Promise<WebSocket> {
  const ticket = await lobby.relayTicket();
  const socket = new WebSocket(session.relayUrl, ['partyline.relay.v1', ticket], {
    perMessageDeflate: false,
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return socket;
}
