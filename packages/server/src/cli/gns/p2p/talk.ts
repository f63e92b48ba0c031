import type { Connection, GnsP2p } from 'partyline/node';
import { startJob } from '../job.ts';
import type { Pipes } from '../pipe.ts';
import { endConnection, tellConnected, tellResult } from '../run.ts';
import type { Voice } from '../voice.ts';
import type { P2pCommand } from './command.ts';
import { printRoute, untilGone } from './route-text.ts';

/** What a connection is made with, and for. */
export interface Seat {
  readonly command: P2pCommand;
  readonly sockets: GnsP2p;
  readonly voice: Voice;
  readonly interrupted: Promise<string>;
}

/** One connection, until its job is done. */
export async function talk(seat: Seat, pipes: Pipes): Promise<number> {
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
