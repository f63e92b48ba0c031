import {
  type Cancel,
  DecodeError,
  type Logger,
  NetError,
  type NetErrorCode,
  type Scheduler,
} from '../base/index.ts';
import type { Socket, SocketFactory } from '../client/index.ts';
import type { Crypto, SealingCrypto } from '../crypto/index.ts';
import { decodeFrame, encodeFrame, FrameType, type MemberId } from '../signaling/index.ts';
import { RelayPath, type RelayPathHandlers } from './relay-path.ts';
import { RELAY_BUFFER_BYTES } from './relay-wire.ts';

/** First subprotocol of the relay socket; the ticket is the second. */
export const RELAY_SUBPROTOCOL = 'partyline.relay.v1';
/** Before connecting again, in milliseconds; doubles with each failure. */
const RECONNECT_MS: { readonly first: number; readonly most: number } = { first: 250, most: 5000 };
/** A WebSocket tells nobody when it has sent; while it is full it is asked so often, in milliseconds. */
const WRITABLE_POLL_MS = 10;

/** Answers to a ticket request after which asking again is useless. */
const finalCodes: ReadonlySet<NetErrorCode> = new Set<NetErrorCode>([
  'LOBBY_CLOSED',
  'LOBBY_NOT_MEMBER',
  'SESSION_CLOSED',
  'SESSION_EXPIRED',
  'SESSION_REPLACED',
]);

export interface RelayLineOptions {
  readonly url: string;
  readonly sockets: SocketFactory;
  readonly scheduler: Scheduler;
  readonly crypto: Crypto;
  /** Called when the first wire is wanted. */
  readonly loadSealing: () => Promise<SealingCrypto>;
  readonly logger: Logger;
  /** Where the proofs are good; `local` is our member id. */
  readonly scope: {
    readonly app: string;
    readonly lobby: string;
    readonly local: MemberId;
  };
  readonly ticket: () => Promise<string>;
  readonly sign: (envelope: Uint8Array) => Uint8Array;
  /** @throws NetError `CERT_INVALID`, `LOBBY_MEMBER_UNKNOWN` */
  readonly keyOf: (member: MemberId) => Uint8Array;
}

interface Wanted {
  /** What both sides sign as the epoch. */
  readonly epoch: number;
  readonly handlers: RelayPathHandlers;
}

/**
 * The one relay socket of a lobby, shared by the wires to all its members; open while somebody needs
 * it, opened again with a fresh ticket when it is lost. docs/wire/relay.md
 */
export class RelayLine {
  readonly #options: RelayLineOptions;
  readonly #wanted = new Map<MemberId, Wanted>();
  readonly #paths = new Map<MemberId, RelayPath>();
  #sealing: SealingCrypto | undefined;
  #socket: Socket | undefined;
  #isOpen = false;
  #isConnecting = false;
  #isClosed = false;
  #failures = 0;
  #lastFailure = '';
  #cancelRetry: Cancel | undefined;
  #cancelPoll: Cancel | undefined;
  malformed = 0;

  constructor(options: RelayLineOptions) {
    this.#options = options;
  }

  /** Why there is no socket, for people; empty when there is one. */
  get trouble(): string {
    return this.#isOpen ? '' : this.#lastFailure;
  }

  /** Wants a wire to this member, until `release`; its proofs are good for this epoch. */
  request(member: MemberId, epoch: number, handlers: RelayPathHandlers): void {
    if (this.#isClosed || this.#wanted.has(member)) return;
    const wanted = { epoch, handlers };
    this.#wanted.set(member, wanted);
    if (this.#isOpen) this.#openPath(member, wanted);
    else void this.#connect();
  }

  /** Its wire is closed. The socket stays a while for the others, and closes with the last one. */
  release(member: MemberId): void {
    this.#wanted.delete(member);
    this.#paths.get(member)?.close('not needed');
    this.#paths.delete(member);
    if (this.#wanted.size === 0) this.#drop();
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    for (const member of [...this.#wanted.keys()]) this.release(member);
    this.#drop();
  }

  async #connect(): Promise<void> {
    if (this.#isConnecting || this.#socket) return;
    this.#isConnecting = true;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    try {
      this.#sealing ??= await this.#options.loadSealing();
      const ticket = await this.#options.ticket();
      this.#isConnecting = false;
      if (this.#wanted.size > 0) this.#open(ticket);
    } catch (error) {
      this.#isConnecting = false;
      this.#handleNoTicket(error);
    }
  }

  #open(ticket: string): void {
    const { sockets, url } = this.#options;
    const isCurrent = (): boolean => this.#socket === socket;
    const socket: Socket = sockets.open(url, [RELAY_SUBPROTOCOL, ticket], {
      onOpen: () => {
        if (isCurrent()) this.#handleOpen();
      },
      onText: () => {
        this.malformed++;
      },
      onBinary: (bytes) => {
        if (isCurrent()) this.#receive(bytes);
      },
      onClosed: (reason) => {
        if (isCurrent()) this.#handleLost(reason);
      },
    });
    this.#socket = socket;
  }

  #handleOpen(): void {
    this.#isOpen = true;
    this.#options.logger.debug({ members: this.#wanted.size }, 'relay socket open');
    for (const [member, wanted] of this.#wanted) this.#openPath(member, wanted);
  }

  #handleLost(reason: string): void {
    this.#socket = undefined;
    this.#isOpen = false;
    this.#endPaths(`the relay socket closed: ${reason}`);
    this.#retry(reason);
  }

  #handleNoTicket(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (!(error instanceof NetError) || !finalCodes.has(error.code)) {
      this.#retry(reason);
      return;
    }
    for (const [member, { handlers }] of [...this.#wanted]) {
      this.release(member);
      handlers.onFailed(error);
    }
  }

  #retry(reason: string): void {
    this.#lastFailure = reason;
    if (this.#wanted.size === 0 || this.#isClosed) return;
    const delayMs = Math.min(RECONNECT_MS.first * 2 ** this.#failures, RECONNECT_MS.most);
    this.#failures++;
    this.#options.logger.info({ reason, delayMs }, 'relay socket lost, connecting again');
    this.#cancelRetry = this.#options.scheduler.after(delayMs, () => void this.#connect());
  }

  #openPath(member: MemberId, { epoch, handlers }: Wanted): void {
    const { crypto, scheduler, sign, keyOf, scope } = this.#options;
    const { app, lobby, local } = scope;
    const sealing = this.#sealing;
    if (!sealing) return; // loaded before the socket was opened
    const path = new RelayPath({
      scope: { app, lobby, epoch, from: local, to: member },
      crypto,
      sealing,
      scheduler,
      sign,
      remoteKey: () => keyOf(member),
      send: (payload, reliable) => this.#send(member, payload, reliable),
      bufferedBytes: () => this.#socket?.bufferedAmount ?? 0,
      onFull: () => this.#pollWritable(),
      handlers: {
        onWire: (wire) => {
          this.#failures = 0; // it works end to end
          return handlers.onWire(wire);
        },
        onFailed: (error) => {
          this.release(member);
          handlers.onFailed(error);
        },
      },
    });
    this.#paths.set(member, path);
  }

  #send(member: MemberId, payload: Uint8Array, reliable: boolean): void {
    const type = reliable ? FrameType.RelayReliable : FrameType.RelayUnreliable;
    this.#socket?.send(encodeFrame(type, member, payload));
  }

  #receive(bytes: Uint8Array): void {
    try {
      const { type, member, payload } = decodeFrame(bytes);
      if (type === FrameType.Signal) throw new DecodeError('WIRE_MALFORMED', 'relay frame', 1);
      this.#paths.get(member)?.handlePayload(payload, type === FrameType.RelayReliable);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.malformed++;
    }
  }

  #pollWritable(): void {
    this.#cancelPoll ??= this.#options.scheduler.after(WRITABLE_POLL_MS, () => {
      this.#cancelPoll = undefined;
      if (!this.#socket) return;
      if (this.#socket.bufferedAmount * 2 > RELAY_BUFFER_BYTES) this.#pollWritable();
      else for (const path of [...this.#paths.values()]) path.handleWritable();
    });
  }

  #endPaths(reason: string): void {
    const paths = [...this.#paths.values()];
    this.#paths.clear();
    for (const path of paths) path.close(reason);
  }

  #drop(): void {
    this.#cancelRetry?.();
    this.#cancelPoll?.();
    this.#cancelPoll = undefined;
    this.#endPaths('not needed');
    const socket = this.#socket;
    this.#socket = undefined;
    this.#isOpen = false;
    socket?.close();
  }
}
