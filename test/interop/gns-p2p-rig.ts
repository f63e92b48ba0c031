import { networkInterfaces } from 'node:os';
import { type Connection, GnsP2p, type GnsP2pOptions } from 'partyline/node';
import type { IdentitySignaling, IdentitySignalingEvents } from 'partyline/protocol/signaling';
import { SendFlag } from 'partyline/protocol/snp';
import { Emitter } from '../../packages/partyline/src/base/index.ts';
import { mulberry32 } from '../../packages/partyline/src/testing/index.ts';
import { NativePeer, NativeState } from './gns-native.ts';
import { receiveOne } from './gns-seats.ts';

/** Who calls whom. */
export type P2pSeat = 'we call native' | 'native calls us' | 'both call';
export const p2pSeats: readonly P2pSeat[] = ['we call native', 'native calls us', 'both call'];

/** An address of this machine that GNS gathers too: not loopback. IPv4 first, as relays have it. */
export function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const usable = all.filter(
    ({ internal, address }) => !internal && !/^(169\.254\.|fe80:)/i.test(address),
  );
  const found = usable.find(({ family }) => family === 'IPv4') ?? usable[0];
  if (found === undefined) throw new Error('ICE needs a network interface besides loopback');
  return found.address;
}

export interface P2pPairOptions {
  readonly seed?: number;
  /** Of the signals of either side, in percent. */
  readonly loss?: number;
  readonly duplicates?: number;
  readonly ours?: Partial<GnsP2pOptions>;
  readonly prepare?: (native: NativePeer) => Promise<void>;
}

/** One peer of ours and a native one, with signaling between them as bad as wanted. */
export class P2pPair implements AsyncDisposable {
  readonly ours: GnsP2p;
  readonly native: NativePeer;
  readonly #signaling: TestSignaling;

  static async open(options: P2pPairOptions = {}): Promise<P2pPair> {
    const native = await NativePeer.start('str:native');
    try {
      await options.prepare?.(native);
      const signaling = new TestSignaling(native, options);
      const ours = await GnsP2p.open({ identity: 'str:ours', signaling, ...options.ours });
      return new P2pPair(ours, native, signaling);
    } catch (error) {
      await native[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(ours: GnsP2p, native: NativePeer, signaling: TestSignaling) {
    this.ours = ours;
    this.native = native;
    this.#signaling = signaling;
  }

  /** Both sides connected, on a virtual port of its own. */
  async connect(seat: P2pSeat, port: number): Promise<{ ours: Connection; conn: number }> {
    if (seat === 'we call native') return this.#weCall(port);
    return seat === 'native calls us' ? this.#nativeCalls(port) : this.#bothCall(port);
  }

  async #weCall(port: number): Promise<{ ours: Connection; conn: number }> {
    this.native.tell('p2pListen', { port });
    await this.native.next('p2pListening', { port });
    const ours = await this.ours.connectP2P('str:native', port);
    return { ours, conn: await this.#echoing(ours) };
  }

  async #nativeCalls(port: number): Promise<{ ours: Connection; conn: number }> {
    const listening = this.ours.listenP2P(port);
    const came = new Promise<Connection>((resolve) => {
      listening.events.on('incoming', (incoming) => {
        listening.accept(incoming);
        resolve(incoming);
      });
    });
    this.native.tell('p2pConnect', { identity: 'str:ours', port });
    const conn = Number((await this.native.next('dialled')).conn);
    const ours = await came;
    await ours.connected;
    await this.native.next('state', { conn, new: NativeState.Connected });
    return { ours, conn };
  }

  /** The native application accepts what it is asked, as `test_p2p` does. */
  async #bothCall(port: number): Promise<{ ours: Connection; conn: number }> {
    const symmetric = { isSymmetric: true };
    this.native.tell('p2pListen', { port, symmetric: true });
    await this.native.next('p2pListening', { port });
    this.ours.listenP2P(port, symmetric);
    this.native.tell('p2pConnect', { identity: 'str:ours', port, symmetric: true });
    const ours = await this.ours.connectP2P('str:native', port, symmetric);
    return { ours, conn: Number((await this.native.next('dialled')).conn) };
  }

  /** The native handle of a connection that it did not begin: it says which one a message came on. */
  async #echoing(ours: Connection): Promise<number> {
    const mark = Buffer.from(`mark ${Math.random()}`);
    ours.send(mark, SendFlag.Reliable | SendFlag.NoNagle);
    const message = await this.native.next('message', { hex: mark.toString('hex') });
    return Number(message.conn);
  }

  /** A message there and back. */
  async echo(ours: Connection, conn: number, text: string): Promise<string> {
    ours.send(Buffer.from(text), SendFlag.Reliable | SendFlag.NoNagle);
    const hex = Buffer.from(text).toString('hex');
    await this.native.next('message', { conn, hex });
    this.native.tell('send', { conn, hex, flags: SendFlag.Reliable | SendFlag.NoNagle });
    return Buffer.from(await receiveOne(ours)).toString();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ours.close();
    this.#signaling.isOpen = false;
    await this.native[Symbol.asyncDispose]();
  }
}

/** The native peer's signals are events of its process; both ways they can be lost and doubled. */
class TestSignaling implements IdentitySignaling {
  readonly events: Emitter<IdentitySignalingEvents> = new Emitter();
  isOpen = true;
  readonly #native: NativePeer;
  readonly #options: P2pPairOptions;
  readonly #random: () => number;

  constructor(native: NativePeer, options: P2pPairOptions) {
    this.#native = native;
    this.#options = options;
    this.#random = mulberry32(options.seed ?? 1);
    native.intercept = (event) => {
      if (event.event !== 'signal') return false;
      const bytes = new Uint8Array(Buffer.from(String(event.hex), 'hex'));
      this.#carry(() => this.events.emit('signal', { from: 'str:native', bytes }));
      return true;
    };
  }

  send(to: string, bytes: Uint8Array): void {
    if (to !== 'str:native') return;
    const hex = Buffer.from(bytes).toString('hex');
    this.#carry(() => this.#native.tell('signal', { hex }));
  }

  #carry(deliver: () => void): void {
    const { loss = 0, duplicates = 0 } = this.#options;
    const late = (): void => {
      if (this.isOpen) deliver();
    };
    if (this.#random() * 100 < loss) return;
    late();
    if (this.#random() * 100 < duplicates) setTimeout(late, this.#random() * 300);
  }
}
