export { addressKey } from './address.ts';
export { type Cancel, type Clock, systemClock } from './clock.ts';
export { KeepAlive } from './keep-alive.ts';
export { KeyedBuckets } from './keyed-buckets.ts';
export { KeyedQueue } from './keyed-queue.ts';
export { Outbox } from './outbox.ts';
export { type Refusal, Refused } from './refused.ts';
export { randomBytes, randomId, randomText, sameText, secretHash } from './secret.ts';
export { type Rate, TokenBucket } from './token-bucket.ts';
