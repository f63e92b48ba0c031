import { expect, test } from 'vitest';
import { deferred, orAborted } from './index.ts';

test('orAborted: as the promise while nothing is aborted', async () => {
  const { signal } = new AbortController();
  await expect(orAborted(Promise.resolve(1), signal)).resolves.toBe(1);
  await expect(orAborted(Promise.resolve(2), undefined)).resolves.toBe(2);
  await expect(orAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
});

test('orAborted: the reason at once, also when aborted before; what comes later is not unhandled', async () => {
  const never = deferred<void>();
  const controller = new AbortController();
  const waiting = orAborted(never.promise, controller.signal);
  controller.abort(new Error('changed my mind'));
  await expect(waiting).rejects.toThrow('changed my mind');
  await expect(orAborted(never.promise, controller.signal)).rejects.toThrow('changed my mind');
  never.reject(new Error('too late'));
  await expect(orAborted(Promise.resolve(1), controller.signal)).rejects.toThrow('mind');
});
