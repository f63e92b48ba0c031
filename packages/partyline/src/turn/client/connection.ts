import { NetError } from '../../base/index.ts';
import { readStun, StreamSplitter, StunClass } from '../../stun/index.ts';
import { looksLikeChannelData, MAX_TURN_FRAME_BYTES, turnFrameLength } from '../channel-frame.ts';
import { looksLikeDataIndication } from '../indications.ts';
import type { TurnCarrier, TurnServerAddress } from './carrier.ts';
import type { ResolvedTurnClientOptions } from './options.ts';
import { TurnRequests } from './requests.ts';
import { ServerLogin } from './server-login.ts';

/** What comes over a connection but answers. */
export interface TurnConnectionUser {
  /** ChannelData or a Data indication; a view. */
  onRelayed(frame: Uint8Array): void;
  onClosed(error: NetError): void;
}

/** One carrier to one server: frames are cut, answers find their requests. */
export class TurnConnection {
  readonly requests: TurnRequests;
  readonly isDatagram: boolean;
  /** ChannelData ends at a multiple of four bytes: RFC 8656 §12.5. */
  readonly isPadded: boolean;
  readonly #carrier: TurnCarrier;
  readonly #unsentBytes: number;
  #user: TurnConnectionUser | undefined;
  #closed: NetError | undefined;
  /** Whether anything was sent since it was last set to false. */
  hasSent = false;

  /** @throws NetError `TURN_UNREACHABLE`, or the signal's reason */
  static async open(
    options: ResolvedTurnClientOptions,
    server: TurnServerAddress,
    signal: AbortSignal,
  ): Promise<TurnConnection> {
    let connection: TurnConnection | undefined;
    let splitter: StreamSplitter | undefined;
    let broken: NetError | undefined;
    const lost = (reason: string): void => {
      broken = new NetError('TURN_UNREACHABLE', `the connection broke: ${reason}`);
      connection?.close(broken);
    };
    const onFrame = (frame: Uint8Array): void => connection?.handleFrame(frame);
    const onBytes = (bytes: Uint8Array): void => {
      if (!splitter) onFrame(bytes);
      else if (!splitter.split(bytes, onFrame)) lost('what came is not TURN');
    };
    let carrier: TurnCarrier;
    try {
      carrier = await options.carriers.open(server, { onBytes, onClosed: lost }, signal);
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      const where = `${server.host}:${server.port}`;
      throw new NetError('TURN_UNREACHABLE', `no connection to ${where}`, { cause });
    }
    if (carrier.kind === 'stream') {
      splitter = new StreamSplitter(turnFrameLength, MAX_TURN_FRAME_BYTES);
    }
    connection = new TurnConnection(options, carrier);
    if (broken) connection.close(broken); // before we were called back
    if (signal.aborted) {
      connection.close(new NetError('TURN_CLOSED', 'given up'));
      throw signal.reason;
    }
    return connection;
  }

  private constructor(options: ResolvedTurnClientOptions, carrier: TurnCarrier) {
    this.#carrier = carrier;
    this.#unsentBytes = options.limits.unsentBytes;
    this.isDatagram = carrier.kind === 'datagram';
    this.isPadded = carrier.kind === 'stream';
    const { crypto, scheduler, credential, timing } = options;
    this.requests = new TurnRequests({
      crypto,
      scheduler,
      login: new ServerLogin(crypto, credential),
      timing: { ...timing, isReliable: !this.isDatagram },
      send: (bytes) => this.#transmit(bytes),
    });
  }

  /** Nothing that is sent leaves any more, whoever answers. */
  get isStale(): boolean {
    return this.#carrier.isStale?.() ?? false;
  }

  /** From now on what is relayed goes to the user; before, nothing can come. */
  use(user: TurnConnectionUser): void {
    this.#user = user;
    if (this.#closed) user.onClosed(this.#closed);
  }

  /** A frame that may be lost; false when too much waits to leave. */
  send(frame: Uint8Array): boolean {
    if (this.#closed || this.#carrier.bufferedBytes > this.#unsentBytes) return false;
    this.#transmit(frame);
    return true;
  }

  handleFrame(frame: Uint8Array): void {
    if (this.#closed) return;
    if (looksLikeChannelData(frame) || looksLikeDataIndication(frame)) this.#user?.onRelayed(frame);
    else {
      const message = readStun(frame);
      if (message && message.class >= StunClass.Success)
        this.requests.handleResponse(message, frame);
    }
  }

  /** Every open request ends with this error. Idempotent. */
  close(error: NetError): void {
    if (this.#closed) return;
    this.#closed = error;
    this.#carrier.close();
    this.requests.close(error);
    this.#user?.onClosed(error);
  }

  #transmit(bytes: Uint8Array): void {
    this.hasSent = true;
    this.#carrier.send(bytes);
  }
}
