import type { Connection, ListenSocket } from 'partyline/node';
import { type Job, startJob } from './job.ts';
import {
  endConnection,
  numericAddress,
  printAddress,
  type Run,
  tellConnected,
  tellResult,
} from './run.ts';

/** Ends of our own, among GNS's application exceptions. */
const WRONG_PEER = 2001;
const TAKEN = 2002;

interface Guest {
  readonly connection: Connection;
  readonly job: Job;
  readonly startedAt: number;
}

/**
 * `partyline gns listen`: one connection until its job is done; with `--echo` and no count all that
 * come, until it is interrupted. The exit code.
 */
export async function listen(run: Run): Promise<number> {
  const { command, sockets, voice } = run;
  const { host, port } = await numericAddress(command.target);
  const socket = await sockets.listen({ host, port });
  const { address } = socket;
  const name = sockets.identity === 'ip:::1' ? 'anonymous' : sockets.identity;
  voice.tell('listening', `Listening on ${printAddress(address)} as ${name}.`, { ...address });
  const takesMany = command.echo && command.count === undefined;
  return takesMany ? serveMany(run, socket) : serveOne(run, socket);
}

async function serveOne(run: Run, socket: ListenSocket): Promise<number> {
  const guest = await Promise.race([firstGuest(run, socket), run.interrupted]);
  if (typeof guest === 'string') return tellNobody(run);
  const { connection, job, startedAt } = guest;
  let isClosedByPeer = false;
  connection.events.on('stateChanged', ({ state }) => {
    if (state === 'closedByPeer') isClosedByPeer = true;
  });
  await Promise.race([job.done, connection.ended, run.interrupted]);
  await endConnection(run, connection, job);
  const code = tellResult(run, connection, job, startedAt);
  if (!isClosedByPeer) await run.farewell.settled(1);
  return code;
}

async function serveMany(run: Run, socket: ListenSocket): Promise<number> {
  const guests = new Set<Guest>();
  let served = 0;
  welcome(run, socket, (connection) => {
    const guest = begin(run, connection);
    guests.add(guest);
    served += 1;
    void connection.ended.then(() => {
      guests.delete(guest);
      tellResult(run, connection, guest.job, guest.startedAt);
    });
    return true;
  });
  await run.interrupted;
  const open = [...guests];
  await Promise.all(open.map(({ connection, job }) => endConnection(run, connection, job)));
  await run.farewell.settled(open.length);
  run.voice.tell('ended', `Ended after ${served} connections.`, { connections: served });
  return 0;
}

function firstGuest(run: Run, socket: ListenSocket): Promise<Guest> {
  return new Promise((resolve) => {
    let isTaken = false;
    welcome(run, socket, (connection) => {
      if (isTaken) return false;
      isTaken = true;
      resolve(begin(run, connection));
      return true;
    });
  });
}

/** Accepts whom `take` wants, once it is who it should be. */
function welcome(run: Run, socket: ListenSocket, take: (connection: Connection) => boolean): void {
  const { peer } = run.command;
  socket.events.on('incoming', (connection) => {
    const who = connection.remoteIdentity ?? '?';
    if (peer !== undefined && who !== peer) {
      void connection.close(WRONG_PEER, `Only ${peer} is expected here.`);
      run.voice.tell('refused', `Refused ${who}: only ${peer} is expected.`, { peer: who });
    } else if (!socket.accept(connection)) {
      run.voice.tell('refused', `${who} was gone before it was accepted.`, { peer: who });
    } else if (!take(connection)) {
      void connection.close(TAKEN, 'This listener takes one connection.');
    }
  });
}

function begin(run: Run, connection: Connection): Guest {
  const startedAt = performance.now();
  tellConnected(run, connection);
  return { connection, job: startJob(run.command, connection, run.pipes), startedAt };
}

function tellNobody({ voice, command: { role, count } }: Run): number {
  voice.tell('result', 'Nobody came.', {
    ok: count === undefined,
    role,
    endReason: 0,
    endDebug: '',
  });
  return count === undefined ? 0 : 1;
}
