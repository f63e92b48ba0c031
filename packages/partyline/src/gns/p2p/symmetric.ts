/**
 * Of two connections that two peers began to each other at once, is ours the one that stays? Then
 * we are the client. The smaller id wins, unless the lowest bits differ: nobody can choose an id
 * that wins against an unknown one. GNS `CompareSymmetricConnections`; equal ids: ours, and both fail
 * to agree, one time in 2^32.
 */
export function isOursKept(ourId: number, theirId: number): boolean {
  const isSmaller = ourId <= theirId;
  return ((ourId ^ theirId) & 1) === 0 ? isSmaller : !isSmaller;
}
