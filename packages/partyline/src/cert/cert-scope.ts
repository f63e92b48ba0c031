import type { Cert } from './verify/index.ts';

/** What a chain of certificates grants (GNS `CertAuthScope`). `undefined` for every one there is. */
export interface CertScope {
  readonly appIds: readonly number[] | undefined;
  /** Data centers (GNS: points of presence). */
  readonly popIds: readonly number[] | undefined;
  /** Seconds since 1970: when the first certificate of the chain expires. */
  readonly timeExpirySec: number;
}

/** What a trusted root grants. */
export const UNLIMITED_SCOPE: CertScope = Object.freeze({
  appIds: undefined,
  popIds: undefined,
  timeExpirySec: Number.POSITIVE_INFINITY,
});

/** What an intermediate certificate grants by itself: a list it leaves out limits nothing. */
export function scopeOf({ appIds, popIds, timeExpirySec = 0 }: Cert): CertScope {
  return {
    appIds: appIds.length === 0 ? undefined : appIds,
    popIds: popIds === undefined || popIds.length === 0 ? undefined : popIds,
    timeExpirySec,
  };
}

/** No certificate grants more than the one that signed it. */
export function intersectScopes(a: CertScope, b: CertScope): CertScope {
  return {
    appIds: common(a.appIds, b.appIds),
    popIds: common(a.popIds, b.popIds),
    timeExpirySec: Math.min(a.timeExpirySec, b.timeExpirySec),
  };
}

/** Does the list hold `id`? The list that limits nothing holds every one. */
export function isGranted(list: readonly number[] | undefined, id: number): boolean {
  return list === undefined || list.includes(id);
}

function common(
  a: readonly number[] | undefined,
  b: readonly number[] | undefined,
): readonly number[] | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : a.filter((id) => b.includes(id));
}
