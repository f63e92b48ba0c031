import type { Millis } from '../base/index.ts';
import type { IceRole } from './agent-options.ts';
import { type IceCandidate, type IceLocalCandidate, typePreference } from './candidate.ts';
import type { Generation } from './generation.ts';
import { type IceRoute, routeKey } from './route.ts';

/** RFC 8445 §6.1.2.6. */
export type PairState = 'frozen' | 'waiting' | 'inProgress' | 'succeeded' | 'failed';

/** A check that was sent, until it is answered or given up. */
export interface SentCheck {
  readonly transactionId: Uint8Array;
  readonly bytes: Uint8Array;
  readonly role: IceRole;
  /** The nomination it carries; `undefined` for a plain check. */
  readonly nomination: number | undefined;
  readonly maxRequests: number;
  /** Of a check that asks how long datagrams may be, in bytes. */
  readonly sizeBytes?: number;
  readonly startedAt: Millis;
  /** Sent of {@link maxRequests}; a triggered check starts anew. */
  requests: number;
  /** More than one was sent in all: which of them is answered cannot be told (Karn). */
  isRepeated: boolean;
  wasSent: boolean;
  sentAt: Millis;
  nextAt: Millis;
}

/** A local candidate with what the agent tells of it. */
export interface LocalEntry {
  readonly candidate: IceCandidate;
  readonly source: IceLocalCandidate;
}

/**
 * One socket of ours and one address of theirs: RFC 8445 §6.1.2. A server-reflexive candidate makes
 * no pair of its own, since what is sent from it leaves by its base (§6.1.2.4).
 */
export class CandidatePair {
  readonly key: string;
  readonly route: IceRoute;
  readonly local: LocalEntry;
  /** Credentials of the time it was formed; a restart makes others. */
  readonly generation: Generation;
  remote: IceCandidate;
  state: PairState = 'frozen';
  check: SentCheck | undefined;
  /** Our address as the other side sees it on this pair. */
  mapped: { readonly host: string; readonly port: number } | undefined;
  rttMs: number | undefined;
  /** The longest datagram that has come through, in bytes; `undefined` until a size was answered. */
  mtuBytes: number | undefined;
  /** When it first succeeded; nominations wait from then on. */
  validSince: Millis | undefined;
  /** When anything was last heard on it that the other side must have sent. */
  heardAt: Millis | undefined;
  /** When a check of ours was last answered on it: RFC 7675's consent. */
  consentAt: Millis | undefined;
  /** The other side nominated it before it was valid here (RFC 8445 §7.3.1.5). */
  awaited: { readonly nomination: number | undefined } | undefined;
  /** Checks that went without an answer since the last one. */
  unanswered = 0;
  /** When it may next be checked though nothing asks for it. */
  refreshAt: Millis = 0;

  constructor(local: LocalEntry, remote: IceCandidate, generation: Generation) {
    this.local = local;
    this.remote = remote;
    this.generation = generation;
    this.route = { socket: local.source.socket, host: remote.host, port: remote.port };
    this.key = routeKey(this.route);
  }

  /** RFC 8445 §6.1.2.6: pairs of one foundation succeed or fail alike. */
  get foundation(): string {
    return `${this.local.candidate.foundation} ${this.remote.foundation}`;
  }

  get isValid(): boolean {
    return this.state === 'succeeded';
  }

  /** A relay at either end; a peer-reflexive candidate with a relay's priority is one not yet signaled. */
  get isRelayed(): boolean {
    if (this.local.candidate.type === 'relay' || this.remote.type === 'relay') return true;
    return this.remote.type === 'prflx' && isRelayPriority(this.remote.priority);
  }
}

export function isRelayPriority(priority: number): boolean {
  return Math.floor(priority / 2 ** 24) === typePreference.relay;
}

/**
 * RFC 8445 §6.1.2.3, as an order: positive when `a` has the higher priority. The 64-bit number is
 * never made, since its two halves compare one after the other.
 */
export function comparePriority(a: CandidatePair, b: CandidatePair, role: IceRole): number {
  const [x, y] = [prioritiesOf(a, role), prioritiesOf(b, role)];
  return (
    Math.min(...x) - Math.min(...y) || Math.max(...x) - Math.max(...y) || bias(...x) - bias(...y)
  );
}

/** Priorities of the controlling and of the controlled side's candidate. */
function prioritiesOf(pair: CandidatePair, role: IceRole): [number, number] {
  const local = pair.local.candidate.priority;
  const { priority: remote } = pair.remote;
  return role === 'controlling' ? [local, remote] : [remote, local];
}

function bias(controlling: number, controlled: number): number {
  return controlling > controlled ? 1 : 0;
}
