import type { Connection } from 'partyline/node';
import { CounterTraffic } from './counter-traffic.ts';
import { printRoute, untilGone } from './route-text.ts';
import type { Seat } from './talk.ts';

const TICK_MS = 50;
/** GNS `k_ESteamNetConnectionEnd_App_Generic`: the test's ordinary end. */
const DONE = 1000;

/** One connection of the test: whether it ended as it should. */
interface Outcome {
  readonly isGood: boolean;
  readonly why: string;
}

/**
 * Plays GNS's `test_p2p` in the seat that `--role` names, against the real one or another of ours.
 * 0 when every connection ended with reason 1000 and no reliable message was out of turn.
 */
export async function playTestP2p(seat: Seat): Promise<number> {
  const { command, voice, interrupted } = seat;
  const { ticks, repeat } = command.profile ?? { ticks: 40, repeat: 1 };
  const next = command.role === 'server' ? guests(seat) : calls(seat);
  for (let i = 0; i < repeat; i++) {
    const connection = await Promise.race([next(), interrupted.then(() => undefined)]);
    if (connection === undefined) return 1;
    void interrupted.then(() => connection.close());
    const outcome = await playOne(seat, connection, ticks);
    if (command.expectFailure === outcome.isGood) {
      voice.tell('result', `Failed: ${outcome.why}.`, { ok: false, why: outcome.why });
      return 1;
    }
  }
  const sentence = command.expectFailure ? 'Connection failed as expected' : 'Test completed OK';
  voice.tell('result', sentence, { ok: true, connections: repeat });
  return 0;
}

async function playOne(seat: Seat, connection: Connection, ticks: number): Promise<Outcome> {
  const { voice, command } = seat;
  const startedAt = performance.now();
  try {
    await connection.connected;
  } catch {
    const { endReason, endDebug } = connection;
    voice.tell('failed', `Not connected: ${endReason} ${endDebug}`, { endReason, endDebug });
    return { isGood: false, why: `not connected, ${endReason} ${endDebug}` };
  }
  const connectMs = performance.now() - startedAt;
  const { remoteIdentity: peer = '?' } = connection;
  voice.tell('connected', `Connected with ${peer} after ${connectMs.toFixed(0)} ms.`, {
    peer,
    connectMs,
  });
  const traffic = new CounterTraffic(connection);
  const limit = command.role === 'server' ? Number.POSITIVE_INFINITY : ticks;
  const isEndedByPeer = await exchange(connection, traffic, limit);
  const route = printRoute(connection.route);
  voice.tell('route', `TEST ROUTE: addr=${route.addr} type=${route.type}`, route);
  if (!isEndedByPeer) await connection.close(DONE, 'Test completed OK', true);
  traffic.receive();
  const { sent, received, unreliableGaps } = traffic;
  voice.tell(
    'traffic',
    `Sent ${sent.reliable} reliable and ${sent.unreliable} unreliable messages, received ${received.reliable} and ${received.unreliable}.`,
    { sent, received, unreliableGaps },
  );
  if (!isEndedByPeer) await untilGone(connection);
  return judge(connection, traffic);
}

/** Until the peer ends it, or for so many ticks. True when the peer, or a problem, ended it. */
async function exchange(
  connection: Connection,
  traffic: CounterTraffic,
  ticks: number,
): Promise<boolean> {
  for (let tick = 0; tick < ticks; tick++) {
    traffic.tick();
    const pause = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), TICK_MS));
    if (await Promise.race([pause, connection.ended.then(() => true)])) return true;
  }
  return false;
}

function judge({ endReason, endDebug }: Connection, { failure }: CounterTraffic): Outcome {
  if (failure !== undefined) return { isGood: false, why: failure };
  return { isGood: endReason === DONE, why: `ended with ${endReason} ${endDebug}` };
}

/** Client and symmetric: calls the peer. */
function calls({ command, sockets }: Seat): () => Promise<Connection> {
  const { remote = '', virtualPort, role } = command;
  const isSymmetric = role === 'symmetric';
  // Its requests wait until we call, which takes them.
  if (isSymmetric) sockets.listenP2P(virtualPort, { isSymmetric });
  return () => Promise.resolve(sockets.dialP2P(remote, virtualPort, { isSymmetric }));
}

/** Server: whoever calls; a new call ends the one before, whose end may still be on its way. */
function guests({ command, sockets }: Seat): () => Promise<Connection> {
  const socket = sockets.listenP2P(command.virtualPort);
  const waiting: Connection[] = [];
  let tell: (connection: Connection) => void = (connection) => void waiting.push(connection);
  socket.events.on('incoming', (connection) => {
    if (socket.accept(connection)) tell(connection);
  });
  return () => {
    const known = waiting.shift();
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => {
      tell = (connection) => {
        tell = (later) => void waiting.push(later);
        resolve(connection);
      };
    });
  };
}
