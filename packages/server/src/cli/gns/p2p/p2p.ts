import { type Connection, GnsP2p } from 'partyline/node';
import type { Terminal } from '../../main.ts';
import { startJob } from '../job.ts';
import type { Pipes } from '../pipe.ts';
import { endConnection, tellConnected, tellResult } from '../run.ts';
import { Voice } from '../voice.ts';
import { type P2pCommand, readP2pCommand } from './command.ts';
import { playTestP2p } from './profile.ts';
import { printRoute, untilGone } from './route-text.ts';
import { badSignaling, openTrivial, SignalingError } from './signaling.ts';

/** `partyline gns p2p`; the exit code. @throws UsageError, NetError `OPTIONS_INVALID`, `UDP_SOCKET` */
export async function p2p(
  args: readonly string[],
  terminal: Terminal,
  pipes: Pipes,
): Promise<number> {
  const command = readP2pCommand(args);
  try {
    return await run(command, terminal, pipes);
  } catch (error) {
    if (!(error instanceof SignalingError)) throw error;
    terminal.err(error.message);
    return 1;
  }
}

async function run(command: P2pCommand, terminal: Terminal, pipes: Pipes): Promise<number> {
  const { job, profile } = command;
  const isPiped = profile === undefined && job.count === undefined && !job.echo;
  const voice = new Voice(terminal, { json: job.json, isPiped });
  const { signaling, close } = await openSignaling(command);
  const { identity = '', iceServers, icePolicy, hosts, timeoutMs } = command;
  const sockets = await GnsP2p.open({
    identity,
    signaling: badSignaling(signaling, command),
    ice: { servers: iceServers, ...(hosts.length === 0 ? {} : { hosts, includesLoopback: true }) },
    icePolicy,
    config: timeoutMs === undefined ? {} : { timeoutInitialMs: timeoutMs },
  });
  const interrupted = terminal.interrupted();
  const facts = { identity: sockets.identity, role: command.role };
  voice.tell('ready', `Ready as ${sockets.identity}.`, facts);
  try {
    const seat = { command, p2p: sockets, voice };
    if (profile !== undefined) {
      return await Promise.race([playTestP2p(seat), interrupted.then(() => 1)]);
    }
    return await talk({ command, sockets, voice, interrupted }, pipes);
  } finally {
    await sockets.close();
    await close();
  }
}

interface Seat {
  readonly command: P2pCommand;
  readonly sockets: GnsP2p;
  readonly voice: Voice;
  readonly interrupted: Promise<string>;
}

/** One connection, until its job is done. */
async function talk(seat: Seat, pipes: Pipes): Promise<number> {
  const { command, voice, interrupted } = seat;
  const startedAt = performance.now();
  const connection = await Promise.race([meet(seat), interrupted.then(() => undefined)]);
  if (connection === undefined) return 1;
  void interrupted.then(() => connection.close(1000, '', true));
  const run = { voice, command: command.job, interrupted };
  try {
    await connection.connected;
  } catch {
    const { endReason, endDebug } = connection;
    voice.tell(
      'result',
      `No connection: ${endDebug === '' ? 'closed' : endDebug} (${endReason}).`,
      {
        ...{ ok: false, endReason, endDebug },
      },
    );
    return command.expectFailure ? 0 : 1;
  }
  tellConnected(run, connection);
  const route = printRoute(connection.route);
  voice.tell('route', `Route: ${route.type} ${route.addr}`, route);
  const job = startJob(command.job, connection, pipes);
  await Promise.race([job.done, connection.ended]);
  await endConnection(run, connection, job);
  const code = tellResult(run, connection, job, startedAt);
  await untilGone(connection);
  return command.expectFailure ? 1 - code : code;
}

function meet({ command, sockets }: Seat): Promise<Connection> {
  const { role, virtualPort, remote } = command;
  const isSymmetric = role === 'symmetric';
  if (role === 'client') return Promise.resolve(sockets.dialP2P(remote ?? '', virtualPort));
  const socket = sockets.listenP2P(virtualPort, { isSymmetric });
  // Symmetric: its request waits until we call, which takes it.
  if (isSymmetric) {
    return Promise.resolve(sockets.dialP2P(remote ?? '', virtualPort, { isSymmetric }));
  }
  return new Promise((resolve) => {
    socket.events.on('incoming', (connection) => {
      const isWanted = remote === undefined || connection.remoteIdentity === remote;
      if (!isWanted) void connection.close(1001, `Only ${remote} is expected here.`);
      else if (socket.accept(connection)) resolve(connection);
    });
  });
}

function openSignaling({ identity = '', signaling }: P2pCommand): ReturnType<typeof openTrivial> {
  if (signaling.type === 'trivial') return openTrivial(identity, signaling.address);
  throw new SignalingError('Signaling through a lobby is not here yet.');
}
