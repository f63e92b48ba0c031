import type { WebRtcRole } from '../cert/verify/index.ts';
import { INSTANCE_BYTES, NONCE_BYTES, type WebRtcSignal } from './signal.ts';

/** The nonce of one attempt: which session object, and which try of it. */
export function attemptNonce(instance: Uint8Array, number: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  nonce.set(instance);
  new DataView(nonce.buffer).setUint32(INSTANCE_BYTES, number);
  return nonce;
}

export function attemptNumber(nonce: Uint8Array): number {
  return new DataView(nonce.buffer, nonce.byteOffset).getUint32(INSTANCE_BYTES);
}

/** What a session knows when a message comes. */
export interface RoutingView {
  readonly role: WebRtcRole;
  readonly localNonce: Uint8Array;
  /** All zero while no remote attempt is known. */
  readonly remoteNonce: Uint8Array;
  /** Remote session objects that were left for another: they never come back. */
  readonly leftInstances: readonly Uint8Array[];
}

/**
 * deliver: it belongs to our attempt · bind: it does from now on · follow: the offerer tries anew ·
 * ended: the other side gave up this attempt · replaced: the other side is a new session object that
 * knows nothing of this attempt · stray: it speaks to an earlier session object of ours · remind: it
 * comes from an unknown session object, which our state will set right · ignore: old news
 */
export type Route =
  | 'deliver'
  | 'bind'
  | 'follow'
  | 'ended'
  | 'replaced'
  | 'stray'
  | 'remind'
  | 'ignore';

/** Decides by the nonces alone; a signal may be as old as the network likes. */
export function routeSignal(view: RoutingView, signal: WebRtcSignal): Route {
  const { localNonce, remoteNonce } = view;
  const { sender, receiver } = signal;
  const knowsNone = isZero(receiver);
  if (!knowsNone && !sameInstance(receiver, localNonce)) {
    return signal.bye === undefined ? 'stray' : 'ignore';
  }
  const knowsThisAttempt = equal(receiver, localNonce);
  if (signal.bye !== undefined) {
    if (!knowsThisAttempt) return 'ignore';
    return isZero(remoteNonce) || sameInstance(sender, remoteNonce) ? 'ended' : 'replaced';
  }
  if (view.leftInstances.some((left) => sameInstance(left, sender))) return 'ignore';
  return view.role === 'offerer'
    ? routeAtOfferer(view, sender, knowsThisAttempt)
    : routeAtAnswerer(view, sender, knowsThisAttempt || knowsNone);
}

function routeAtOfferer(view: RoutingView, sender: Uint8Array, knowsThisAttempt: boolean): Route {
  if (equal(sender, view.remoteNonce)) return knowsThisAttempt ? 'deliver' : 'ignore';
  if (!isZero(view.remoteNonce))
    return sameInstance(sender, view.remoteNonce) ? 'ignore' : 'remind';
  return knowsThisAttempt ? 'bind' : 'remind';
}

function routeAtAnswerer(view: RoutingView, sender: Uint8Array, isForUs: boolean): Route {
  const { remoteNonce } = view;
  if (isZero(remoteNonce)) return 'bind';
  if (!sameInstance(sender, remoteNonce)) return 'remind';
  if (attemptNumber(sender) > attemptNumber(remoteNonce)) return 'follow';
  return equal(sender, remoteNonce) && isForUs ? 'deliver' : 'ignore';
}

export function isZero(nonce: Uint8Array): boolean {
  return nonce.every((byte) => byte === 0);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, i) => byte === b[i]);
}

function sameInstance(a: Uint8Array, b: Uint8Array): boolean {
  return equal(a.subarray(0, INSTANCE_BYTES), b.subarray(0, INSTANCE_BYTES));
}
