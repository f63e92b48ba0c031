import { GnsP2p } from 'partyline/node';
import type { Terminal } from '../../main.ts';
import type { Pipes } from '../pipe.ts';
import { openTrace } from '../trace.ts';
import { Voice } from '../voice.ts';
import { type P2pCommand, readP2pCommand } from './command.ts';
import { playTestP2p } from './profile.ts';
import {
  badSignaling,
  type OpenSignaling,
  openLobby,
  openTrivial,
  SignalingError,
} from './signaling.ts';
import { talk } from './talk.ts';

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
  const trace = job.traceDir === undefined ? undefined : openTrace(job.traceDir, command.role);
  const opened = await openSignaling(command, (code) => {
    voice.tell('lobby', `Lobby ${code}: the other side joins with &code=${code}.`, { code });
  });
  const { iceServers, icePolicy, hosts, timeoutMs } = command;
  const sockets = await GnsP2p.open({
    identity: opened.identity,
    signaling: badSignaling(opened.signaling, command),
    ice: {
      servers: [...iceServers, ...opened.iceServers],
      ...(hosts.length === 0 ? {} : { hosts, includesLoopback: true }),
    },
    icePolicy,
    ...(trace === undefined ? {} : { tap: trace }),
    config: timeoutMs === undefined ? {} : { timeoutInitialMs: timeoutMs },
  });
  const interrupted = terminal.interrupted();
  const facts = { identity: sockets.identity, role: command.role };
  voice.tell('ready', `Ready as ${sockets.identity}.`, facts);
  try {
    const isWaiting = command.role === 'server';
    const who = isWaiting ? Promise.resolve(command.remote) : opened.remote(command.remote);
    const remote = await Promise.race([who, interrupted.then(() => undefined)]);
    if (remote === undefined && !isWaiting) return 1;
    const seat = { command: { ...command, remote }, sockets, voice, interrupted };
    return await (profile === undefined ? talk(seat, pipes) : playTestP2p(seat));
  } finally {
    await sockets.close();
    await opened.close();
    trace?.close();
  }
}

function openSignaling(
  { identity = '', signaling }: P2pCommand,
  tellCode: (code: string) => void,
): Promise<OpenSignaling> {
  if (signaling.type === 'lobby') return openLobby(signaling, tellCode);
  return openTrivial(identity, signaling.address);
}
