import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { type Connection, GnsSockets, type GnsTap } from 'partyline/node';
import { type ListenAddress, printHost } from '../../config/index.ts';
import type { Terminal } from '../main.ts';
import { readCaKey, readCertificate } from './certificate.ts';
import { Farewell } from './farewell.ts';
import type { Job } from './job.ts';
import { type GnsCommand, UsageError } from './options.ts';
import type { Pipes } from './pipe.ts';
import { openTrace, type Trace } from './trace.ts';
import { type Fact, Voice } from './voice.ts';

const STATS_MS = 1000;

/** What both seats work with. */
export interface Run {
  readonly command: GnsCommand;
  readonly sockets: GnsSockets;
  readonly voice: Voice;
  readonly farewell: Farewell;
  readonly pipes: Pipes;
  /** Settles when somebody presses Ctrl+C. */
  readonly interrupted: Promise<string>;
  /** Closes what was opened here. */
  close(): Promise<void>;
}

/** @throws UsageError, NetError `OPTIONS_INVALID` */
export function openRun(command: GnsCommand, terminal: Terminal, pipes: Pipes): Run {
  const { identity, certFile, ca, traceDir, role, json, count, echo, config, fakes } = command;
  const isPiped = count === undefined && !(echo && role === 'listen');
  const farewell = new Farewell();
  const certificate = certFile === undefined ? undefined : readCertificate(certFile);
  // Who names a CA wants its word: everybody else is refused.
  const trust =
    ca === undefined
      ? {}
      : ({
          trustedCas: [readCaKey(ca)],
          allowWithoutAuth: 0,
          localHostAllowWithoutAuth: 0,
        } as const);
  const trace = traceDir === undefined ? undefined : openTrace(traceDir, role);
  const sockets = new GnsSockets({
    ...(identity === undefined ? {} : { identity }),
    ...(certificate === undefined ? {} : { certificate }),
    config: { ...config, ...trust, fakeSend: fakes, fakeReceive: fakes },
    tap: joinTaps(farewell, trace),
  });
  return {
    command,
    sockets,
    voice: new Voice(terminal, { json, isPiped }),
    farewell,
    pipes,
    interrupted: terminal.interrupted(),
    close: async () => {
      await sockets.close();
      trace?.close();
    },
  };
}

/** @throws UsageError */
export async function numericAddress({ host, port }: ListenAddress): Promise<ListenAddress> {
  if (isIP(host.split('%')[0] ?? '') !== 0) return { host, port };
  try {
    return { host: (await lookup(host)).address, port };
  } catch {
    throw new UsageError(`There is no host «${host}».`);
  }
}

export function printAddress({ host, port }: ListenAddress): string {
  return `${printHost(host)}:${port}`;
}

export function tellConnected(
  { voice, command, interrupted }: Pick<Run, 'voice' | 'command' | 'interrupted'>,
  connection: Connection,
): void {
  const { remoteIdentity = '?', isVerified, isEncrypted, remoteAddress } = connection;
  const trust = isVerified ? 'verified' : 'unverified';
  voice.tell(
    'connected',
    `Connected with ${remoteIdentity} (${trust}${isEncrypted ? '' : ', not encrypted'}) at ${printAddress(remoteAddress)}.`,
    { peer: remoteIdentity, verified: isVerified, encrypted: isEncrypted, ...remoteAddress },
  );
  if (!command.stats) return;
  const timer = setInterval(() => tellStats(voice, connection), STATS_MS).unref();
  const stop = (): void => clearInterval(timer);
  void connection.ended.then(stop);
  void interrupted.then(stop);
}

/** Lingers, so that what is reliable arrives, and waits until the peer knows. */
export async function endConnection(
  run: Pick<Run, 'voice' | 'command'>,
  connection: Connection,
  job: Job,
): Promise<void> {
  await connection.close(1000, '', true);
  await connection.ended;
  job.stop();
  if (run.command.stats) tellStats(run.voice, connection);
}

/** Tells how it went; the exit code. */
export function tellResult(
  run: Pick<Run, 'voice' | 'command'>,
  connection: Connection,
  job: Job,
  startedAt: number,
): number {
  const { isWhole, facts } = job.verdict();
  const seconds = (performance.now() - startedAt) / 1000;
  const { pingMs, packetsLost, packetsSent, packetsReceived } = connection.stats();
  const { endReason, endDebug, remoteIdentity = '?', isVerified } = connection;
  const told = Object.entries(facts).map(([name, value]) => `${name} ${value}`);
  run.voice.tell(
    'result',
    `${isWhole ? 'Everything arrived' : 'Not everything arrived'}: ${told.join(', ')}; ${seconds.toFixed(3)} s, ended with ${endReason}${endDebug === '' ? '' : ` (${endDebug})`}.`,
    {
      ok: isWhole,
      role: run.command.role,
      peer: remoteIdentity,
      verified: isVerified,
      ...facts,
      seconds: rounded(seconds),
      pingMs: rounded(pingMs),
      packetsSent,
      packetsReceived,
      packetsLost,
      endReason,
      endDebug,
    },
  );
  return isWhole ? 0 : 1;
}

function tellStats(voice: Voice, connection: Connection): void {
  const s = connection.stats();
  const facts: Record<string, Fact> = {
    state: s.state,
    pingMs: rounded(s.pingMs),
    qualityLocal: rounded(s.connectionQualityLocal),
    qualityRemote: rounded(s.connectionQualityRemote),
    sendRateBytesPerSecond: s.sendRateBytesPerSecond,
    pendingReliableBytes: s.pendingReliableBytes,
    pendingUnreliableBytes: s.pendingUnreliableBytes,
    sentUnackedReliableBytes: s.sentUnackedReliableBytes,
    packetsSent: s.packetsSent,
    packetsReceived: s.packetsReceived,
    packetsLost: s.packetsLost,
  };
  voice.tell('stats', connection.describe(), facts);
}

function joinTaps(farewell: Farewell, trace: Trace | undefined): GnsTap {
  return {
    datagram: (direction, local, remote, bytes) => {
      farewell.datagram(direction, local, remote, bytes);
      trace?.datagram(direction, local, remote, bytes);
    },
    sessionSecret: (publicKey, secret) => trace?.sessionSecret(publicKey, secret),
  };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
