import {
  type Millis,
  type NetError,
  parseIp,
  printIp,
  type Scheduler,
  unmapIp,
} from '../../base/index.ts';
import { type StunAddress, type StunAttribute, xorAddress } from '../../stun/index.ts';
import { channelNumber, TurnAttributeType } from '../attributes.ts';
import { TurnErrorCode, TurnMethod } from '../methods.ts';
import type { TurnClientLimits } from './options.ts';
import { moveChannel, movePermission, type PeerPort, type Permission } from './peer.ts';
import type { TurnOutcome, TurnRequests } from './requests.ts';

/** RFC 8656 §9: a permission lasts 300 s; a request and all its repetitions fit before that. */
const PERMISSION_REFRESH_MS = 240_000;
/** RFC 8656 §12: a channel lasts 600 s. */
const CHANNEL_REFRESH_MS = 540_000;
/** RFC 8656 §12: a number is bound to another peer 300 s after it has expired, at the soonest. */
const CHANNEL_REST_MS = 600_000 + 300_000 - CHANNEL_REFRESH_MS;
const REFUSED_MS = 30_000;
const TICK_MS = 5000;
/** RFC 8656 §12: numbers for channels. */
const FIRST_CHANNEL = 0x4000;
const LAST_CHANNEL = 0x4fff;
/** Peer addresses in one CreatePermission request. */
const MAX_BATCH = 16;
/** A peer that never answers gets a channel after so many datagrams; one that does at once. */
const UNANSWERED_DATAGRAMS = 16;

/** Refusals that are not about the peer: the allocation is gone, or not ours any more. */
const lostBy: ReadonlySet<number> = new Set([
  TurnErrorCode.Unauthenticated,
  TurnErrorCode.StaleNonce,
  TurnErrorCode.AllocationMismatch,
  TurnErrorCode.WrongCredentials,
]);

/** What the table wants of its allocation. */
export interface PeersUser {
  /** Whether the allocation has a relayed address that such a peer can be reached from. */
  hasFamily(ipBytes: number): boolean;
  /** The permission is there: what has waited goes out now. */
  transmit(port: PeerPort, bytes: Uint8Array): void;
  onRefused(host: string, error: NetError): void;
  /** The server is gone, or the allocation is. */
  onLost(error: NetError): void;
}

/** The permissions and channels of one allocation, each refreshed as long as it is sent to. */
export class Peers {
  readonly #requests: TurnRequests;
  readonly #scheduler: Scheduler;
  readonly #limits: TurnClientLimits;
  readonly #user: PeersUser;
  readonly #permissions = new Map<string, Permission>();
  readonly #channels = new Map<number, PeerPort>();
  #nextChannel = FIRST_CHANNEL;
  #cancelTick: (() => void) | undefined;

  constructor(
    requests: TurnRequests,
    scheduler: Scheduler,
    limits: TurnClientLimits,
    user: PeersUser,
  ) {
    this.#requests = requests;
    this.#scheduler = scheduler;
    this.#limits = limits;
    this.#user = user;
  }

  /** Any spelling of the host; asked for if it is not there. `undefined`: over a limit, or no address. */
  permission(host: string): Permission | undefined {
    const known = this.#permissions.get(host);
    if (known?.state === 'granted' || known?.state === 'asking') return known;
    const permission = known ?? this.#findOrAdd(host);
    if (!permission) return undefined;
    const mayAsk =
      permission.state === 'lapsed' ||
      (permission.state === 'refused' && permission.dueAtMs <= this.#scheduler.now());
    if (mayAsk) this.#askFor([permission]);
    return permission;
  }

  /** `undefined`: over the limit. */
  port(permission: Permission, port: number): PeerPort | undefined {
    const known = permission.ports.get(port);
    if (known) return known;
    if (permission.ports.size >= this.#limits.portsPerPeer) return undefined;
    const added: PeerPort = {
      permission,
      address: { host: permission.host, port },
      channel: 0,
      channelState: 'none',
      dueAtMs: 0,
      isUsed: false,
      sent: 0,
      hasSpoken: false,
    };
    permission.ports.set(port, added);
    return added;
  }

  /** By the host as {@link printIp} has it. */
  known(host: string): Permission | undefined {
    return this.#permissions.get(host);
  }

  ofChannel(channel: number): PeerPort | undefined {
    return this.#channels.get(channel);
  }

  /** After a datagram went out without a channel: asks for one as soon as it is worth it. */
  considerChannel(port: PeerPort): void {
    port.sent += 1;
    if (port.channelState !== 'none' && port.channelState !== 'lapsed') return;
    if (port.hasSpoken || port.sent >= UNANSWERED_DATAGRAMS) this.#bind(port);
  }

  close(): void {
    this.#cancelTick?.();
    this.#permissions.clear();
    this.#channels.clear();
  }

  #findOrAdd(text: string): Permission | undefined {
    const parsed = parseIp(text);
    if (!parsed) return undefined;
    const ip = unmapIp(parsed); // what a dual-stack socket calls an IPv4 peer
    const host = printIp(ip);
    const known = this.#permissions.get(host);
    if (known) return known;
    if (this.#permissions.size >= this.#limits.permissions || !this.#user.hasFamily(ip.length)) {
      return undefined;
    }
    const permission: Permission = {
      ...{ host, ip, ports: new Map(), waiting: [] },
      ...{ state: 'lapsed', dueAtMs: 0, isUsed: true },
    };
    this.#permissions.set(host, permission);
    this.#cancelTick ??= this.#scheduler.after(TICK_MS, () => this.#tick());
    return permission;
  }

  /** RFC 8656 §10.1: several in one request, which are granted or refused together. */
  #askFor(permissions: readonly Permission[]): void {
    for (const permission of permissions) {
      // One that is being refreshed is granted all the while.
      if (permission.state !== 'granted') movePermission(permission, 'asking');
      permission.dueAtMs = Number.POSITIVE_INFINITY;
    }
    this.#requests.ask({
      method: TurnMethod.CreatePermission,
      attributesOf: (id) => permissions.map(({ host }) => peerAddress({ host, port: 0 }, id)),
      onEnd: (outcome) => this.#handlePermitted(permissions, outcome),
    });
  }

  #handlePermitted(permissions: readonly Permission[], outcome: TurnOutcome): void {
    if (outcome.type === 'success') {
      for (const permission of permissions) this.#grant(permission);
    } else if (this.#isLost(outcome)) {
      this.#user.onLost(outcome.error);
    } else if (permissions.length > 1) {
      // One of them is the reason; the others are not to suffer for it.
      for (const permission of permissions) this.#askFor([permission]);
    } else {
      for (const permission of permissions) this.#refuse(permission, outcome.error);
    }
  }

  #grant(permission: Permission): void {
    movePermission(permission, 'granted');
    permission.dueAtMs = this.#scheduler.now() + PERMISSION_REFRESH_MS;
    permission.isUsed = false;
    for (const { port, bytes } of permission.waiting.splice(0)) this.#user.transmit(port, bytes);
  }

  #refuse(permission: Permission, error: NetError): void {
    movePermission(permission, 'refused');
    permission.dueAtMs = this.#scheduler.now() + REFUSED_MS;
    permission.waiting.length = 0;
    this.#user.onRefused(permission.host, error);
  }

  #bind(port: PeerPort): void {
    if (port.channel === 0) {
      port.channel = this.#freeChannel();
      if (port.channel === 0) {
        moveChannel(port, 'refused');
        return;
      }
      this.#channels.set(port.channel, port);
    }
    if (port.channelState !== 'bound') moveChannel(port, 'asking');
    port.dueAtMs = Number.POSITIVE_INFINITY;
    this.#requests.ask({
      method: TurnMethod.ChannelBind,
      attributesOf: (id) => [channelNumber(port.channel), peerAddress(port.address, id)],
      onEnd: (outcome) => {
        if (outcome.type === 'success') {
          moveChannel(port, 'bound');
          port.dueAtMs = this.#scheduler.now() + CHANNEL_REFRESH_MS;
          port.isUsed = false;
        } else if (this.#isLost(outcome)) this.#user.onLost(outcome.error);
        else moveChannel(port, 'refused');
      },
    });
  }

  /** 0: all are in use, or rest. */
  #freeChannel(): number {
    if (this.#channels.size >= this.#limits.channels) return 0;
    for (let tries = FIRST_CHANNEL; tries <= LAST_CHANNEL; tries++) {
      const channel = this.#nextChannel;
      this.#nextChannel = channel === LAST_CHANNEL ? FIRST_CHANNEL : channel + 1;
      if (!this.#channels.has(channel)) return channel;
    }
    return 0;
  }

  #isLost(outcome: Exclude<TurnOutcome, { type: 'success' }>): boolean {
    return outcome.type === 'failed' || lostBy.has(outcome.code);
  }

  #tick(): void {
    this.#cancelTick = undefined;
    const now = this.#scheduler.now();
    const due: Permission[] = [];
    for (const permission of this.#permissions.values()) {
      for (const port of permission.ports.values()) this.#tickPort(now, port);
      if (permission.dueAtMs > now) continue;
      if (permission.state === 'granted' && permission.isUsed) due.push(permission);
      else if (permission.state === 'granted') movePermission(permission, 'lapsed');
      const isIdle = permission.state === 'lapsed' || permission.state === 'refused';
      const hasChannel = [...permission.ports.values()].some(({ channel }) => channel > 0);
      if (isIdle && !hasChannel) this.#permissions.delete(permission.host);
    }
    for (let at = 0; at < due.length; at += MAX_BATCH) this.#askFor(due.slice(at, at + MAX_BATCH));
    if (this.#permissions.size > 0) {
      this.#cancelTick = this.#scheduler.after(TICK_MS, () => this.#tick());
    }
  }

  #tickPort(now: Millis, port: PeerPort): void {
    if (port.dueAtMs > now) return;
    if (port.channelState === 'bound' && port.isUsed) this.#bind(port);
    else if (port.channelState === 'bound') {
      moveChannel(port, 'lapsed');
      port.dueAtMs = now + CHANNEL_REST_MS;
    } else if (port.channelState === 'lapsed') {
      this.#channels.delete(port.channel);
      port.permission.ports.delete(port.address.port);
      port.channel = 0;
    }
  }
}

function peerAddress(address: StunAddress, transactionId: Uint8Array): StunAttribute {
  return xorAddress(TurnAttributeType.XorPeerAddress, address, transactionId);
}
