import { type Cancel, NetError, type Scheduler } from '../../base/index.ts';
import { findAttribute, type StunAddress } from '../../stun/index.ts';
import { decodeLifetime, lifetime, TurnAttributeType } from '../attributes.ts';
import {
  channelDataBytes,
  channelOf,
  channelPayload,
  looksLikeChannelData,
  writeChannelData,
} from '../channel-frame.ts';
import { FrameSlab } from '../frame-slab.ts';
import { dataIndicationBytes, SendIndication, writeSendIndication } from '../indications.ts';
import { TurnMethod } from '../methods.ts';
import type { TurnConnection } from './connection.ts';
import type { ResolvedTurnClientOptions, TurnAllocationHandlers } from './options.ts';
import type { PeerPort } from './peer.ts';
import { Peers } from './peers.ts';

/** What the server gave. */
export interface TurnGrant {
  /** Relayed addresses, one of each family at most: what peers send to. */
  readonly relayed: readonly StunAddress[];
  /** Our own address as the server sees it (a server-reflexive one over UDP). */
  readonly mapped: StunAddress | undefined;
  readonly lifetimeSec: number;
  /** The server that gave it: another one than was asked for, after a redirect. */
  readonly server: StunAddress;
}

/** Counts since the allocation was made. */
export interface TurnAllocationStats {
  readonly sentDatagrams: number;
  readonly receivedDatagrams: number;
  /** Not sent: over a limit, refused, or too much waited to leave. */
  readonly droppedDatagrams: number;
  /** Came from nobody who was permitted, or did not parse. */
  readonly strayDatagrams: number;
}

/** RFC 8656 §8: a minute before it is over, and for the shortest ones halfway. */
const REFRESH_MARGIN_MS = 60_000;
/** How long `close` waits for the server to say that the allocation is gone. */
const FAREWELL_MS = 1500;
const MAX_LIFETIME_SEC = 86_400;

/**
 * One TURN allocation: relayed addresses that any number of connections share, each told by its
 * peers' addresses. Permissions and channels come by themselves and last as long as they are used.
 * Made by `allocateTurn`; RFC 8656 §3.
 */
export class TurnAllocation implements AsyncDisposable {
  readonly relayed: readonly StunAddress[];
  readonly mapped: StunAddress | undefined;
  readonly server: StunAddress;
  readonly #connection: TurnConnection;
  readonly #handlers: TurnAllocationHandlers;
  readonly #scheduler: Scheduler;
  readonly #askedSec: number | undefined;
  readonly #waitingPerPeer: number;
  readonly #peers: Peers;
  readonly #data = new SendIndication();
  readonly #slab = new FrameSlab();
  readonly #stats = {
    sentDatagrams: 0,
    receivedDatagrams: 0,
    droppedDatagrams: 0,
    strayDatagrams: 0,
  };
  #serial = 0;
  #cancelRefresh: Cancel = () => {};
  #cancelKeepalive: Cancel = () => {};
  #closed: Promise<void> | undefined;
  #hasEnded = false;

  constructor(options: ResolvedTurnClientOptions, connection: TurnConnection, grant: TurnGrant) {
    this.relayed = grant.relayed;
    this.mapped = grant.mapped;
    this.server = grant.server;
    this.#connection = connection;
    this.#handlers = options.handlers;
    this.#scheduler = options.scheduler;
    this.#askedSec = options.lifetimeSec;
    this.#waitingPerPeer = options.limits.waitingPerPeer;
    this.#peers = new Peers(connection.requests, options.scheduler, options.limits, {
      hasFamily: (ipBytes) =>
        grant.relayed.some(({ host }) => host.includes(':') === (ipBytes === 16)),
      transmit: (port, bytes) => void this.#transmit(port, bytes),
      onRefused: (host, error) => this.#handlers.onRefused?.(host, error),
      onLost: (error) => this.#end(error),
    });
    connection.use({
      onRelayed: (frame) => this.#handleRelayed(frame),
      onClosed: (error) => this.#end(error),
    });
    this.#refreshIn(grant.lifetimeSec);
    this.#keepAlive(options.keepaliveMs);
  }

  /** False from `close` on, and once it has ended by itself. */
  get isOpen(): boolean {
    return !this.#hasEnded && this.#closed === undefined;
  }

  stats(): TurnAllocationStats {
    return { ...this.#stats };
  }

  /**
   * Lets a peer's datagrams through before anything is sent to it, from any of its ports. False when
   * the host is no address, of a family the allocation has not, or one too many.
   */
  permit(host: string): boolean {
    const permission = this.isOpen ? this.#peers.permission(host) : undefined;
    if (permission) permission.isUsed = true;
    return permission !== undefined && permission.state !== 'refused';
  }

  /** One datagram, copied. False when it is dropped: refused, over a limit, too much waits, or closed. */
  send(host: string, port: number, bytes: Uint8Array): boolean {
    const to = this.isOpen ? this.#portOf(host, port) : undefined;
    if (!to) return this.#drop();
    to.isUsed = true;
    to.permission.isUsed = true;
    switch (to.permission.state) {
      case 'granted':
        return this.#transmit(to, bytes);
      case 'asking':
        if (to.permission.waiting.length >= this.#waitingPerPeer) return this.#drop();
        to.permission.waiting.push({ port: to, bytes: bytes.slice() });
        return true;
      default:
        return this.#drop();
    }
  }

  /**
   * Asks the server where it sees us. Behind a NAT that shows us elsewhere by now, the allocation is
   * another client's (RFC 8656 §3.1), and it ends, as it does when our own address is gone; a stream's also when nobody has answered
   * after `withinMs`. UDP is patient: the way may come back as it was.
   */
  verify(withinMs: number): void {
    if (!this.isOpen) return;
    const { requests, isDatagram, isStale } = this.#connection;
    if (isStale) {
      this.#end(new NetError('TURN_UNREACHABLE', 'the address that we sent from is gone'));
      return;
    }
    const silence = new NetError('TURN_UNREACHABLE', 'the relay does not answer');
    const cancel = isDatagram
      ? () => {}
      : this.#scheduler.after(withinMs, () => this.#end(silence));
    requests.ping(
      () => {},
      (seen) => {
        cancel();
        const { mapped } = this;
        if (seen === undefined || mapped === undefined || isSame(seen, mapped)) return;
        const why = 'the relay sees us at another address than the allocation’s';
        this.#end(new NetError('TURN_MISMATCH', why));
      },
    );
  }

  /** Frees it at the server. Safe to call twice; settles when the connection is closed. */
  close(): Promise<void> {
    this.#closed ??= this.#hasEnded ? Promise.resolve() : this.#sayFarewell();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #portOf(host: string, port: number): PeerPort | undefined {
    const permission = this.#peers.permission(host);
    if (!permission || !(port > 0 && port <= 0xffff)) return undefined;
    return permission.ports.get(port) ?? this.#peers.port(permission, port);
  }

  #drop(): false {
    this.#stats.droppedDatagrams += 1;
    return false;
  }

  #transmit(to: PeerPort, bytes: Uint8Array): boolean {
    let frame: Uint8Array;
    const isBound = to.channelState === 'bound';
    if (isBound) {
      const { isPadded } = this.#connection;
      frame = this.#slab.reserve(channelDataBytes(bytes.length, isPadded));
      writeChannelData(frame, 0, to.channel, bytes, isPadded);
    } else {
      const { ip } = to.permission;
      frame = this.#slab.reserve(dataIndicationBytes(bytes.length, ip.length));
      this.#serial = (this.#serial + 1) >>> 0;
      writeSendIndication(frame, 0, this.#serial, ip, to.address.port, bytes);
    }
    if (!this.#connection.send(frame)) return this.#drop();
    this.#stats.sentDatagrams += 1;
    if (!isBound) this.#peers.considerChannel(to);
    return true;
  }

  #handleRelayed(frame: Uint8Array): void {
    if (looksLikeChannelData(frame)) {
      const from = this.#peers.ofChannel(channelOf(frame));
      const payload = channelPayload(frame);
      if (from && payload) this.#deliver(payload, from.address);
      else this.#stats.strayDatagrams += 1;
      return;
    }
    const data = this.#data;
    const permission = data.read(frame) ? this.#peers.known(data.host()) : undefined;
    if (!permission) {
      this.#stats.strayDatagrams += 1;
      return;
    }
    const port = permission.ports.get(data.port);
    if (port) port.hasSpoken = true;
    this.#deliver(data.payload, port?.address ?? { host: permission.host, port: data.port });
  }

  #deliver(payload: Uint8Array, from: StunAddress): void {
    if (!this.isOpen) return;
    this.#stats.receivedDatagrams += 1;
    this.#handlers.onReceive(payload, from);
  }

  #refreshIn(lifetimeSec: number): void {
    const ms = Math.min(lifetimeSec, MAX_LIFETIME_SEC) * 1000;
    const wait = Math.max(ms / 2, ms - REFRESH_MARGIN_MS);
    this.#cancelRefresh = this.#scheduler.after(wait, () => this.#refresh());
  }

  #refresh(): void {
    const asked = this.#askedSec === undefined ? [] : [lifetime(this.#askedSec)];
    this.#connection.requests.ask({
      method: TurnMethod.Refresh,
      attributesOf: () => asked,
      onEnd: (outcome) => {
        if (!this.isOpen) return;
        if (outcome.type === 'success') this.#refreshIn(lifetimeOf(outcome.message));
        else this.#end(outcome.error);
      },
    });
  }

  /** NATs forget a silent UDP flow, proxies a silent connection; on those only an answer shows life. */
  #keepAlive(everyMs: number): void {
    this.#cancelKeepalive = this.#scheduler.after(everyMs, () => {
      const { requests, isDatagram, hasSent } = this.#connection;
      if (!isDatagram || !hasSent) requests.ping((error) => isDatagram || this.#end(error));
      this.#connection.hasSent = false;
      this.#keepAlive(everyMs);
    });
  }

  /** By itself, once. */
  #end(error: NetError): void {
    if (this.#hasEnded) return;
    const wasOpen = this.isOpen;
    this.#stop(error);
    if (wasOpen) this.#handlers.onEnded(error);
  }

  #stop(error: NetError): void {
    this.#hasEnded = true;
    this.#cancelRefresh();
    this.#cancelKeepalive();
    this.#peers.close();
    this.#connection.close(error);
  }

  /** RFC 8656 §8: a refresh to 0. A server that does not answer is left alone: the lifetime ends it. */
  #sayFarewell(): Promise<void> {
    return new Promise((resolve) => {
      const closed = new NetError('TURN_CLOSED', 'this allocation was closed');
      const cancel = this.#scheduler.after(FAREWELL_MS, () => this.#connection.close(closed));
      this.#cancelRefresh();
      this.#cancelKeepalive();
      this.#peers.close();
      this.#connection.requests.ask({
        method: TurnMethod.Refresh,
        attributesOf: () => [lifetime(0)],
        onEnd: () => {
          cancel();
          this.#stop(closed);
          resolve();
        },
      });
    });
  }
}

function isSame(a: StunAddress, b: StunAddress): boolean {
  return a.host === b.host && a.port === b.port;
}

/** What a success says, else RFC 8656's default. */
export function lifetimeOf(message: Parameters<typeof findAttribute>[0]): number {
  const value = findAttribute(message, TurnAttributeType.Lifetime);
  return value?.length === 4 ? decodeLifetime(value) : 600;
}
