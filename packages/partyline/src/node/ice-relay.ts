import { type Cancel, type Logger, type Millis, NetError } from '../base/index.ts';
import type { StunAddress } from '../stun/index.ts';
import { parseTurnUrl, type TurnAllocation, type TurnTransport } from '../turn/index.ts';
import { nodeScheduler } from './scheduler.ts';
import { type OpenTurnOptions, openTurn } from './turn-client.ts';

/** The W3C's `RTCIceServer`. */
export interface IceServerUrls {
  /** `stun:…`, `turn:…`, `turns:…`, or our `ws://…` and `wss://…` for TURN over WebSocket. */
  readonly urls: string | readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

export interface IceRelayHandlers {
  onOpened(relayed: readonly StunAddress[], transport: TurnTransport, server: string): void;
  onReceive(bytes: Uint8Array, from: StunAddress): void;
  /** What was opened has ended; another one is being asked for. */
  onLost(error: NetError): void;
  /** The first round is over: there is an allocation, or no server gave one. */
  onSettled(): void;
}

interface Attempt {
  readonly url: string;
  readonly transport: TurnTransport;
  readonly username: string;
  readonly password: string;
}

const order: readonly TurnTransport[] = ['udp', 'tcp', 'tls', 'wss', 'ws'];
/** The next way is tried beside the first when it has not answered within this. */
const STAGGER_MS = 250;
/** Waits between rounds double, up to a minute. */
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;
/** An allocation that ends sooner is not asked for anew at once: somebody may not want us there. */
const STEADY_MS = 3000;
/** How long a relay that is reached by a stream may take to show that the stream is still one. */
const VERIFY_MS = 3000;

/**
 * One allocation for all connections of a host, by the best way that works: UDP, then TCP, TLS and
 * WebSocket, each started a moment after the one before, so that a firewall costs that moment and no
 * timeout. Kept while the host is open: one that ends is asked for anew.
 */
export class IceRelay {
  readonly #attempts: readonly Attempt[];
  readonly #tls: OpenTurnOptions['tls'];
  readonly #handlers: IceRelayHandlers;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  #allocation: TurnAllocation | undefined;
  #cancelRetry: Cancel = () => {};
  #openedAt: Millis = 0;
  #retryMs = FIRST_RETRY_MS;
  #isSettled = false;

  constructor(
    servers: readonly IceServerUrls[],
    handlers: IceRelayHandlers,
    options: { readonly logger: Logger; readonly tls?: OpenTurnOptions['tls'] | undefined },
  ) {
    this.#attempts = attemptsOf(servers);
    this.#handlers = handlers;
    this.#logger = options.logger;
    this.#tls = options.tls;
  }

  open(): void {
    if (this.#attempts.length === 0) this.#settle();
    else void this.#round();
  }

  send(to: StunAddress, bytes: Uint8Array): void {
    this.#allocation?.send(to.host, to.port, bytes);
  }

  /** Our addresses may be others now: one that the server does not know us by any more is replaced. */
  verify(): void {
    this.#allocation?.verify(VERIFY_MS);
  }

  /** Settles when the server was told. */
  async close(): Promise<void> {
    this.#closing.abort(new NetError('SESSION_CLOSED', 'the relay is not needed any more'));
    this.#cancelRetry();
    await this.#allocation?.close();
  }

  async #round(): Promise<void> {
    const won = new AbortController();
    const { signal } = this.#closing;
    const cancel = (): void => won.abort(signal.reason);
    signal.addEventListener('abort', cancel, { once: true });
    const tries = this.#attempts.map((attempt, i) => this.#try(attempt, i * STAGGER_MS, won));
    const results = await Promise.all(tries);
    signal.removeEventListener('abort', cancel);
    if (signal.aborted || results.some((isOpen) => isOpen)) return;
    this.#settle();
    this.#again();
  }

  async #try(attempt: Attempt, delayMs: number, won: AbortController): Promise<boolean> {
    const { url, transport, username, password } = attempt;
    try {
      await wait(delayMs, won.signal);
      const tls = this.#tls;
      const allocation = await openTurn({
        url,
        credential: { username, password },
        families: 'both',
        signal: won.signal,
        logger: this.#logger,
        ...(tls !== undefined && { tls }),
        handlers: {
          onReceive: (bytes, from) => this.#handlers.onReceive(bytes, from),
          onEnded: (error) => this.#lose(error),
        },
      });
      if (won.signal.aborted) {
        void allocation.close(); // another way was faster by a turn
        return false;
      }
      won.abort(new NetError('SESSION_CLOSED', 'another way to the relay was faster'));
      this.#use(allocation, transport);
      return true;
    } catch (error) {
      if (!won.signal.aborted) this.#logger.debug({ err: error, transport }, 'no relay this way');
      return false;
    }
  }

  #use(allocation: TurnAllocation, transport: TurnTransport): void {
    this.#allocation = allocation;
    this.#openedAt = nodeScheduler.now();
    this.#retryMs = FIRST_RETRY_MS;
    this.#handlers.onOpened(allocation.relayed, transport, allocation.server.host);
    this.#settle();
  }

  #lose(error: NetError): void {
    this.#allocation = undefined;
    this.#handlers.onLost(error);
    if (nodeScheduler.now() - this.#openedAt >= STEADY_MS) void this.#round();
    else this.#again();
  }

  #again(): void {
    this.#cancelRetry = nodeScheduler.after(this.#retryMs, () => void this.#round());
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
  }

  #settle(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#handlers.onSettled();
  }
}

/** Every way to every server, the best kind first. */
function attemptsOf(servers: readonly IceServerUrls[]): Attempt[] {
  const attempts = servers.flatMap(({ urls, username = '', credential = '' }) =>
    [urls].flat().flatMap((url) => {
      const endpoint = parseTurnUrl(url);
      if (endpoint === undefined) return [];
      return [{ url, transport: endpoint.transport, username, password: credential }];
    }),
  );
  return attempts.toSorted((a, b) => order.indexOf(a.transport) - order.indexOf(b.transport));
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const cancel = nodeScheduler.after(ms, resolve);
    signal.addEventListener(
      'abort',
      () => {
        cancel();
        reject(signal.reason);
      },
      { once: true },
    );
  });
}
