import { type Millis, NetError } from '../../base/index.ts';
import { parseIdentity, printIdentity } from '../../cert/index.ts';
import { SendFlag } from '../../snp/index.ts';
import type { GnsConnection } from '../connection.ts';
import type { ConnectionState } from '../connection-state.ts';
import type { GnsEvent } from '../event-queue.ts';
import {
  encodeSessionMessage,
  MessageSession,
  SESSION_HEADER_BYTES,
  type SessionMessage,
} from './message-session.ts';
import type { P2pEndpoint } from './p2p-endpoint.ts';
import { MESSAGES_VIRTUAL_PORT } from './virtual-port.ts';

export type SessionsEvent =
  /** Somebody wants to talk: accept, or send something, before TimeoutInitial. Its messages wait. */
  | { readonly type: 'sessionRequest'; readonly identity: string }
  /** Messages may have been lost. GNS `SteamNetworkingMessagesSessionFailed_t`. */
  | {
      readonly type: 'sessionFailed';
      readonly identity: string;
      readonly reason: number;
      readonly debug: string;
    }
  /** Messages have come: drain {@link MessageSessions.receive}. */
  | { readonly type: 'messages'; readonly identity: string };

export interface SendToOptions {
  /** {@link SendFlag}. Default reliable. */
  readonly flags?: number;
  /** 32 bits, signed. Default 0. */
  readonly channel?: number;
  /** Begins anew after the session broke (GNS AutoRestartBrokenSession 32). Default false. */
  readonly restart?: boolean;
}

/** A session's state, as GNS `GetSessionConnectionInfo`. */
export interface SessionState {
  /** `none` when there is no session, or an idle one without a connection. */
  readonly state: ConnectionState;
  readonly connection: GnsConnection | undefined;
  /** Why it broke; 0 while it did not. */
  readonly endReason: number;
  readonly endDebug: string;
}

/** GNS `k_ESteamNetConnectionEnd_P2P_SessionClosed` and `…IdleTimeout`. */
export const SessionEnd = { Closed: 1001, IdleTimeout: 1002 } as const;
/** GNS `k_usecSteamNetworkingP2PSessionIdleTimeout`, in ms. */
export const SESSION_IDLE_MS = 180_000;
/** Largest message, in bytes; the header comes on top, in GNS too. */
const MAX_MESSAGE_BYTES = 524_288;

const ofSession = {
  isSymmetric: true,
  connection: { maxMessageBytes: MAX_MESSAGE_BYTES + SESSION_HEADER_BYTES },
} as const;

/**
 * GNS's ISteamNetworkingMessages: messages to identities, with connections made on demand and ended
 * when idle. Listens on its own virtual port of the endpoint, whose events go through
 * {@link MessageSessions.handleEvent}. No I/O.
 */
export class MessageSessions {
  readonly #endpoint: P2pEndpoint;
  readonly #sessions = new Map<string, MessageSession>();
  readonly #byConnection = new WeakMap<GnsConnection, MessageSession>();
  readonly #events: SessionsEvent[] = [];
  /** No session is idle before this. */
  #checkAt: Millis = Number.POSITIVE_INFINITY;

  constructor(endpoint: P2pEndpoint) {
    this.#endpoint = endpoint;
    endpoint.listen(MESSAGES_VIRTUAL_PORT, ofSession);
  }

  /** Who there are sessions with. */
  get identities(): readonly string[] {
    return [...this.#sessions.keys()];
  }

  /**
   * Queues a copy, and calls the peer if there is no connection; answering a request accepts it.
   * What is sent before the connection stands is sent reliably, as in GNS. Returns the message's
   * number, 0 when the send buffer is full, -1 when a NoDelay message was dropped.
   * @throws NetError `GNS_CLOSED` when the session broke, `OPTIONS_INVALID`
   */
  send(now: Millis, to: string, bytes: Uint8Array, options: SendToOptions = {}): number {
    const { channel = 0, restart = false } = options;
    if (bytes.length > MAX_MESSAGE_BYTES) {
      throw new NetError('OPTIONS_INVALID', `a message takes ${MAX_MESSAGE_BYTES} bytes`);
    }
    const session = this.#open(now, canonical(to), restart);
    const connection = session.connection ?? this.#dial(now, session);
    if (session.isWaiting) this.#endpoint.accept(now, connection);
    const isConnected = connection.state === 'connected';
    const flags = isConnected ? (options.flags ?? SendFlag.Reliable) : SendFlag.Reliable;
    session.idleAt = now + SESSION_IDLE_MS;
    const number = connection.snp.send(now, encodeSessionMessage(channel, bytes), flags);
    this.#endpoint.touch(now, connection);
    return number;
  }

  /** The next message for a channel, whoever sent it. Its bytes are yours. */
  receive(now: Millis, channel = 0): SessionMessage | undefined {
    for (const session of this.#sessions.values()) {
      const message = session.shift(channel);
      if (message === undefined) continue;
      // To the end: one that says much does not silence the others.
      this.#sessions.delete(session.identity);
      this.#sessions.set(session.identity, session);
      if (session.drain(now)) this.#tellMessages(session);
      return message;
    }
    return undefined;
  }

  /** Takes a request. False when there is none. */
  accept(now: Millis, identity: string): boolean {
    const session = this.#sessions.get(canonical(identity));
    const { connection } = session ?? {};
    if (session === undefined || connection === undefined) return false;
    if (session.isWaiting) this.#endpoint.accept(now, connection);
    session.idleAt = now + SESSION_IDLE_MS;
    return true;
  }

  /** Ends a session, or refuses a request; what waits is forgotten. False when there is none. */
  close(now: Millis, identity: string): boolean {
    const session = this.#sessions.get(canonical(identity));
    if (session === undefined) return false;
    this.#end(now, session, SessionEnd.Closed, 'CloseSessionWithUser');
    return true;
  }

  /** Forgets what waits on a channel; the last one ends the session. False when nothing ever came on it. */
  closeChannel(now: Millis, identity: string, channel: number): boolean {
    const session = this.#sessions.get(canonical(identity));
    if (session?.channels.has(channel) !== true) return false;
    session.purge(channel);
    if (session.channels.size === 0) this.close(now, identity);
    return true;
  }

  stateOf(identity: string): SessionState {
    const { connection, broken } = this.#sessions.get(canonical(identity)) ?? {};
    return {
      state: connection?.state ?? (broken === undefined ? 'none' : 'problemDetectedLocally'),
      connection,
      endReason: broken?.reason ?? 0,
      endDebug: broken?.debug ?? '',
    };
  }

  /** Takes an event of the endpoint; false for one of a connection that is no session's. */
  handleEvent(now: Millis, event: GnsEvent): boolean {
    const { connection } = event;
    const session = this.#byConnection.get(connection) ?? this.#adopt(now, event);
    if (session === undefined) return false;
    if (event.type === 'readable') {
      session.idleAt = now + SESSION_IDLE_MS;
      if (session.drain(now)) this.#tellMessages(session);
    } else if (event.type === 'stateChanged' && session.connection === connection) {
      this.#handleState(now, session, event.change.state);
    }
    return true;
  }

  handleTimeout(now: Millis): void {
    if (now < this.#checkAt) return;
    for (const session of [...this.#sessions.values()]) {
      if (now < session.idleAt) continue;
      const isDelivered = session.connection?.snp.isDelivered ?? true;
      if (isDelivered) this.#end(now, session, SessionEnd.IdleTimeout, 'Session Idle Timeout');
      else session.idleAt = now + 1000;
    }
    this.#checkAt = Number.POSITIVE_INFINITY;
    for (const { idleAt } of this.#sessions.values()) {
      this.#checkAt = Math.min(this.#checkAt, idleAt);
    }
  }

  pollTimeout(): Millis | undefined {
    return this.#checkAt === Number.POSITIVE_INFINITY ? undefined : this.#checkAt;
  }

  pollEvent(): SessionsEvent | undefined {
    return this.#events.shift();
  }

  #open(now: Millis, identity: string, restart: boolean): MessageSession {
    const known = this.#sessions.get(identity);
    const session = known ?? new MessageSession(identity);
    if (session.broken !== undefined && !restart) {
      throw new NetError('GNS_CLOSED', `the session broke: ${session.broken.debug}`);
    }
    session.broken = undefined;
    if (known === undefined) {
      session.idleAt = now + SESSION_IDLE_MS;
      this.#checkAt = Math.min(this.#checkAt, session.idleAt);
      this.#sessions.set(identity, session);
    }
    return session;
  }

  #dial(now: Millis, session: MessageSession): GnsConnection {
    const { identity } = session;
    try {
      const dialled = this.#endpoint.connect(now, identity, MESSAGES_VIRTUAL_PORT, ofSession);
      this.#attach(session, dialled);
      return dialled;
    } catch (error) {
      this.#sessions.delete(identity);
      throw error;
    }
  }

  #attach(session: MessageSession, connection: GnsConnection): void {
    session.connection = connection;
    session.wasConnected = false;
    this.#byConnection.set(connection, session);
  }

  /** Somebody calls. */
  #adopt(now: Millis, event: GnsEvent): MessageSession | undefined {
    const { connection } = event;
    const { ports } = this.#endpoint.linkOf(connection) ?? {};
    const isOurs = ports?.localVirtualPort === MESSAGES_VIRTUAL_PORT;
    if (event.type !== 'incoming' || !isOurs) return undefined;
    const session = this.#open(now, ports.remoteIdentity, true);
    this.#attach(session, connection);
    session.idleAt = now + SESSION_IDLE_MS;
    this.#events.push({ type: 'sessionRequest', identity: session.identity });
    return session;
  }

  #handleState(now: Millis, session: MessageSession, state: ConnectionState): void {
    const { connection } = session;
    if (connection === undefined) return;
    if (state === 'connected') {
      session.wasConnected = true;
      session.idleAt = now + SESSION_IDLE_MS;
    }
    if (state !== 'closedByPeer' && state !== 'problemDetectedLocally') return;
    if (session.drain(now)) this.#tellMessages(session);
    const isIdle = session.wasConnected && connection.snp.isDelivered;
    session.connection = undefined;
    if (isIdle) return; // it ended at rest: the next message begins anew
    const { endReason: reason, endDebug: debug } = connection;
    session.broken = { reason, debug };
    this.#events.push({ type: 'sessionFailed', identity: session.identity, reason, debug });
  }

  #end(now: Millis, session: MessageSession, reason: number, debug: string): void {
    const { connection, identity } = session;
    this.#sessions.delete(identity);
    session.connection = undefined;
    if (connection === undefined) return;
    connection.close(now, reason, debug);
    this.#endpoint.touch(now, connection);
  }

  /** Once until the application has taken all. */
  #tellMessages({ identity }: MessageSession): void {
    const isTold = this.#events.some((e) => e.type === 'messages' && e.identity === identity);
    if (!isTold) this.#events.push({ type: 'messages', identity });
  }
}

/** @throws NetError `OPTIONS_INVALID` */
function canonical(text: string): string {
  const identity = parseIdentity(text);
  if (identity === undefined) throw new NetError('OPTIONS_INVALID', `${text} is no identity`);
  return printIdentity(identity);
}
