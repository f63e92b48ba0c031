import type { Connection } from 'partyline/node';
import { startJob } from './job.ts';
import {
  endConnection,
  numericAddress,
  printAddress,
  type Run,
  tellConnected,
  tellResult,
} from './run.ts';

/** `partyline gns connect`: one connection, until its job is done; the exit code. */
export async function connect(run: Run): Promise<number> {
  const { command, sockets, interrupted, farewell } = run;
  const to = await numericAddress(command.target);
  const connection = await sockets.dial(to, {
    ...(command.peer === undefined ? {} : { identity: command.peer }),
  });
  let isClosedByPeer = false;
  connection.events.on('stateChanged', ({ state }) => {
    if (state === 'closedByPeer') isClosedByPeer = true;
  });
  connection.configureLanes(command.lanes);
  void interrupted.then(() => connection.close(1000, '', true));
  if (!(await isConnected(run, connection))) return 1;
  const startedAt = performance.now();
  tellConnected(run, connection);
  const job = startJob(command, connection, run.pipes);
  await Promise.race([job.done, connection.ended]);
  await endConnection(run, connection, job);
  const code = tellResult(run, connection, job, startedAt);
  if (!isClosedByPeer) await farewell.settled(1);
  return code;
}

async function isConnected(run: Run, connection: Connection): Promise<boolean> {
  try {
    await connection.connected;
    return true;
  } catch {
    const { endReason, endDebug } = connection;
    const { target, role } = run.command;
    run.voice.tell(
      'result',
      `No connection with ${printAddress(target)}: ${endDebug === '' ? 'closed' : endDebug} (${endReason}).`,
      { ok: false, role, endReason, endDebug },
    );
    return false;
  }
}
