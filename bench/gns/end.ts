/**
 * One of our ends, driven as the native peer is: JSON lines, see interop/gns-native/README.md. Only
 * what the bench asks for is here.
 */
import { createInterface } from 'node:readline';
import { type Connection, type GnsConnectOptions, GnsSockets } from 'partyline/node';
import { SendFlag } from 'partyline/protocol/snp';

interface Command {
  readonly op: string;
  readonly address?: string;
  readonly conn?: number;
  readonly value?: number;
  readonly int?: number;
  readonly mode?: string;
  readonly size?: number;
  readonly flags?: number;
  readonly count?: number;
  readonly perSecond?: number;
  readonly bytesPerSecond?: number;
  readonly collect?: boolean;
}

/** ESteamNetworkingConfigValue to ours. */
const configNames: Readonly<Record<number, keyof NonNullable<GnsConnectOptions['config']>>> = {
  9: 'sendBufferBytes',
  10: 'sendRateMinBytesPerSecond',
  11: 'sendRateMaxBytesPerSecond',
  47: 'receiveBufferBytes',
  48: 'receiveBufferMessages',
};
const RELIABLE_EVERY = 500_000;
const MAX_BEHIND_MS = 100;
const SENDS_A_TURN = 2000;
const RETRY_MS = 1;
const DIALS_AT_ONCE = 50;
const TICK_PORTION = 32;
const MICROSECONDS = 1000;

const config: Record<string, number> = {};
const connections = new Map<number, Connection>();
let lastConn = 0;
let opened: GnsSockets | undefined;
let isEcho = false;
let messages = 0;
let bytes = 0;
let startedAt: number | undefined;
let onMessage = (): void => {};

const sockets = (): GnsSockets => {
  opened ??= new GnsSockets({ identity: 'str:ours', config });
  return opened;
};

function emit(event: string, fields: object): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

function target(address = ''): { host: string; port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
}

function take(connection: Connection): number {
  lastConn += 1;
  const conn = lastConn;
  connections.set(conn, connection);
  connection.events.on('readable', () => {
    for (let m = connection.receive(); m !== undefined; m = connection.receive()) {
      messages += 1;
      bytes += m.bytes.length;
      if (isEcho) connection.send(m.bytes, SendFlag.NoNagle, m.lane);
      else onMessage();
    }
  });
  connection.events.on('stateChanged', ({ state }) => {
    if (state === 'finWait') connections.delete(conn);
  });
  return conn;
}

function stream({ conn = 0, size = 64, flags = 0, bytesPerSecond = 0 }: Command): void {
  const message = new Uint8Array(size);
  const everyMs = bytesPerSecond === 0 ? 0 : (size * 1000) / bytesPerSecond;
  const connection = connections.get(conn);
  let dueAt = performance.now();
  let sinceReliable = 0;
  const advance = (): void => {
    const now = performance.now();
    dueAt = Math.max(dueAt, now - MAX_BEHIND_MS);
    let sent = 0;
    while (sent < SENDS_A_TURN && (everyMs === 0 || dueAt <= now)) {
      const isMark = (flags & SendFlag.Reliable) === 0 && sinceReliable >= RELIABLE_EVERY;
      const number = connection?.send(message, isMark ? flags | SendFlag.Reliable : flags) ?? 0;
      if (number === 0) break; // the queue is full
      sinceReliable = isMark ? 0 : sinceReliable + 1;
      dueAt += everyMs;
      sent += 1;
    }
    if (sent > 0) setImmediate(advance);
    else setTimeout(advance, RETRY_MS);
  };
  advance();
}

/**
 * A message to every connection, as a game's server does at each tick; in portions, because the event
 * loop reads few datagrams between two of its turns. What was missed is not made up for.
 */
function ticks({ perSecond = 60, size = 100, flags = 0 }: Command): void {
  const message = new Uint8Array(size);
  const startMs = performance.now();
  let done = 0;
  const advance = (left: Connection[]): void => {
    for (const connection of left.splice(0, TICK_PORTION)) connection.send(message, flags);
    if (left.length > 0) setImmediate(advance, left);
    else setTimeout(begin, 1);
  };
  const begin = (): void => {
    const due = Math.floor(((performance.now() - startMs) * perSecond) / 1000);
    if (due > done) advance([...connections.values()]);
    else setTimeout(begin, 1);
    done = due;
  };
  begin();
}

function pings({ conn = 0, size = 64, flags = 0, count = 1 }: Command): void {
  const message = new Uint8Array(size);
  const usec: number[] = [];
  let sentAt = 0;
  const send = (): void => {
    sentAt = performance.now();
    connections.get(conn)?.send(message, flags | SendFlag.NoNagle);
  };
  onMessage = () => {
    usec.push((performance.now() - sentAt) * MICROSECONDS);
    if (usec.length < count) send();
    else emit('pings', { usec });
  };
  send();
}

async function dials({ address, count = 1 }: Command): Promise<void> {
  const usec: number[] = [];
  while (usec.length < count) {
    const began = performance.now();
    const connection = await sockets().connect(target(address));
    usec.push((performance.now() - began) * MICROSECONDS);
    void connection.close();
  }
  emit('dials', { usec });
}

async function crowd({ address, count = 1 }: Command): Promise<void> {
  for (let done = 0; done < count; done += DIALS_AT_ONCE) {
    const wave = Math.min(DIALS_AT_ONCE, count - done);
    const dial = async (): Promise<number> => take(await sockets().connect(target(address)));
    await Promise.all(Array.from({ length: wave }, dial));
  }
  emit('crowd', { count });
}

function count({ collect = false }: Command): void {
  startedAt ??= performance.now();
  const { user, system } = process.cpuUsage();
  if (collect) globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  emit('count', {
    messages,
    bytes,
    usec: (performance.now() - startedAt) * MICROSECONDS,
    cpuUsec: user + system,
    residentBytes: rss,
    heldBytes: heapUsed + external,
  });
}

async function run(command: Command): Promise<void> {
  switch (command.op) {
    case 'config': {
      const name = configNames[command.value ?? 0];
      if (name !== undefined) config[name] = command.int ?? 0;
      return;
    }
    case 'listen': {
      const socket = await sockets().listen({ ...target(command.address), maxIncoming: 8191 });
      socket.events.on('incoming', (connection) => {
        socket.accept(connection);
        take(connection);
      });
      emit('listening', { port: socket.address.port });
      return;
    }
    case 'connect': {
      const connection = await sockets().connect(target(command.address));
      emit('dialled', { conn: take(connection) });
      return;
    }
    case 'receive':
      isEcho = command.mode === 'echo';
      return;
    case 'stream':
      return stream(command);
    case 'ticks':
      return ticks(command);
    case 'pings':
      return pings(command);
    case 'dials':
      return dials(command);
    case 'crowd':
      return crowd(command);
    case 'count':
      return count(command);
    case 'status':
      emit('status', { state: connections.get(command.conn ?? 0)?.state });
      return;
    case 'quit':
      process.exit();
      return;
    default: // what only the native peer needs
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  run(JSON.parse(line)).catch((error: unknown) => emit('error', { message: `${error}` }));
});
process.stdin.on('end', () => process.exit());
emit('ready', {});
