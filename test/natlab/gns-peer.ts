import { createInterface } from 'node:readline';
import { Emitter } from '../../packages/partyline/src/base/index.ts';
import {
  type Connection,
  GnsP2p,
  type GnsP2pOptions,
} from '../../packages/partyline/src/node/index.ts';
import type { IdentitySignalingEvents } from '../../packages/partyline/src/signaling/index.ts';
import { SendFlag } from '../../packages/partyline/src/snp/index.ts';

/**
 * Our end of GNS P2P in a namespace of the lab: `gns-peer.ts IDENTITY [ICE]`, ICE being the `ice`
 * option of {@link GnsP2p} as JSON. Commands and events are those of interop/gns-native, one JSON
 * object a line, and four of its own: `count` takes what comes for numbered reliable messages,
 * `startCount` and `stopCount` send such, `counted` asks for what was sent and has come.
 */
interface Command {
  readonly op: string;
  readonly conn?: number;
  readonly hex?: string;
  readonly identity?: string;
  readonly port?: number;
  readonly symmetric?: boolean;
  readonly flags?: number;
  readonly everyMs?: number;
}

/** `ESteamNetworkingConnectionState` of what an application is told. */
const states: Readonly<Record<string, number>> = {
  connecting: 1,
  findingRoute: 2,
  connected: 3,
  closedByPeer: 4,
  problemDetectedLocally: 5,
};

/** Numbered reliable messages of one connection, both ways. */
class Counting {
  readonly #connection: Connection;
  #timer: NodeJS.Timeout | undefined;
  #sent = 0;
  #received = 0;
  /** The first message that is not the one after the last one. */
  #wrong: number | undefined;
  #gapMs = 0;
  #heardAt = performance.now();

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.events.on('stateChanged', () => this.stop()); // it was connected, so it ends
  }

  start(everyMs: number): void {
    this.#heardAt = performance.now();
    this.#timer = setInterval(() => this.#send(), everyMs);
  }

  take(bytes: Uint8Array): void {
    const now = performance.now();
    this.#gapMs = Math.max(this.#gapMs, now - this.#heardAt);
    this.#heardAt = now;
    const number = Number(new TextDecoder().decode(bytes));
    if (number !== this.#received) this.#wrong ??= number;
    this.#received += 1;
  }

  /** Sends no more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  report(): object {
    const [sent, received, wrong, gapMs] = [this.#sent, this.#received, this.#wrong, this.#gapMs];
    return { sent, received, wrong, gapMs };
  }

  #send(): void {
    const text = new TextEncoder().encode(String(this.#sent));
    if (this.#connection.send(text, SendFlag.Reliable | SendFlag.NoNagle) > 0) this.#sent += 1;
  }
}

class LabGnsPeer {
  readonly #p2p: GnsP2p;
  readonly #signals: Emitter<IdentitySignalingEvents>;
  readonly #connections = new Map<number, Connection>();
  readonly #countings = new Map<number, Counting>();

  static async open(identity: string, ice: GnsP2pOptions['ice']): Promise<LabGnsPeer> {
    const signals = new Emitter<IdentitySignalingEvents>();
    const send = (to: string, bytes: Uint8Array): void =>
      emit('signal', { to, hex: Buffer.from(bytes).toString('hex') });
    const signaling = { events: signals, send };
    return new LabGnsPeer(await GnsP2p.open({ identity, signaling, ...(ice && { ice }) }), signals);
  }

  private constructor(p2p: GnsP2p, signals: Emitter<IdentitySignalingEvents>) {
    this.#p2p = p2p;
    this.#signals = signals;
  }

  run(command: Command): void {
    const { op, port = 0, identity = '', symmetric: isSymmetric = false } = command;
    const bytes = new Uint8Array(Buffer.from(command.hex ?? '', 'hex'));
    if (op === 'signal') this.#signals.emit('signal', { from: undefined, bytes });
    else if (op === 'p2pListen') {
      const listening = this.#p2p.listenP2P(port, { isSymmetric });
      listening.events.on('incoming', (connection) => {
        this.#watch(connection, true);
        listening.accept(connection);
      });
      emit('p2pListening', { port });
    } else if (op === 'p2pConnect') {
      const connection = this.#p2p.dialP2P(identity, port, { isSymmetric });
      emit('dialled', { conn: this.#watch(connection, false) });
    } else this.#drive(command, bytes);
  }

  #drive({ op, conn = 0, flags, everyMs = 20 }: Command, bytes: Uint8Array): void {
    const connection = this.#connections.get(conn);
    if (connection === undefined) emit('error', { message: `no connection ${conn}` });
    else if (op === 'send') connection.send(bytes, flags);
    else if (op === 'route') {
      emit('route', { conn, ok: connection.route !== undefined, type: connection.route?.type });
    } else if (op === 'close') void connection.close(1000, 'test');
    else if (op === 'count') {
      this.#countings.set(conn, new Counting(connection));
      emit('counting', { conn });
    } else if (op === 'startCount') this.#countings.get(conn)?.start(everyMs);
    else if (op === 'counted') emit('counted', { conn, ...this.#countings.get(conn)?.report() });
    else if (op === 'stopCount') this.#countings.get(conn)?.stop();
    else emit('error', { message: `unknown op ${op}` });
  }

  #watch(connection: Connection, incoming: boolean): number {
    for (const [conn, known] of this.#connections) if (known === connection) return conn;
    const conn = this.#connections.size + 1;
    this.#connections.set(conn, connection);
    emit('state', { conn, new: states.connecting, incoming });
    connection.events.on('stateChanged', ({ state, reason, debug }) => {
      if (states[state] !== undefined) emit('state', { conn, new: states[state], reason, debug });
    });
    connection.events.on('readable', () => this.#receive(conn, connection));
    return conn;
  }

  #receive(conn: number, connection: Connection): void {
    const counting = this.#countings.get(conn);
    for (let m = connection.receive(); m !== undefined; m = connection.receive()) {
      if (counting !== undefined) counting.take(m.bytes);
      else emit('message', { conn, hex: Buffer.from(m.bytes).toString('hex') });
    }
  }
}

function emit(event: string, fields: object = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

const [identity = 'str:ours', ice = '{}'] = process.argv.slice(2);
// Only the rig starts this program and writes here.
const peer = await LabGnsPeer.open(identity, JSON.parse(ice) as GnsP2pOptions['ice']);
emit('ready');
for await (const line of createInterface({ input: process.stdin })) {
  peer.run(JSON.parse(line) as Command);
}
