import { connect, type Lobby, type Session } from 'partyline/node';
import { decodeFrame, encodeFrame, FrameType } from 'partyline/protocol/signaling';
import { WebSocket } from 'ws';
import { answerMeasurer } from '../measured.ts';
import { load, type Pair, relayThrough, repeat } from './load.ts';

const app = 'bench';
const server = `http://127.0.0.1:${process.argv[2]}`;
/** The one on which lobbies are created without a new socket. */
let openSession: Session | undefined;
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

  closeSessions: async () => {
    await Promise.all(opened.splice(0).map((session) => session.close()));
  },

  createOpen: async (count) => {
    openSession ??= await connect({ server, app });
    const { lobbies } = openSession;
    await repeat(count, load.createsInFlight, async () => void (await lobbies.create()));
  },

  leaveLobbies: async () => {
    const joined = [...(openSession?.lobbies.joined.values() ?? [])];
    await Promise.all(joined.map((lobby) => lobby.leave()));
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
