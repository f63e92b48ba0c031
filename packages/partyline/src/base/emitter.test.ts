import { expect, test, vi } from 'vitest';
import { Emitter } from './emitter.ts';

test('a listener that throws does not stop the next one', () => {
  const onListenerError = vi.fn();
  const emitter = new Emitter<{ ping: number }>(onListenerError);
  const seen: number[] = [];
  emitter.on('ping', () => {
    throw new Error('mine');
  });
  emitter.on('ping', (n) => seen.push(n));
  emitter.emit('ping', 7);
  expect(seen).toEqual([7]);
  expect(onListenerError).toHaveBeenCalledOnce();
});

test('once, signal and the returned function all remove', () => {
  const emitter = new Emitter<{ ping: number }>();
  const abort = new AbortController();
  const seen: string[] = [];
  emitter.on('ping', () => seen.push('once'), { once: true });
  emitter.on('ping', () => seen.push('signal'), { signal: abort.signal });
  const off = emitter.on('ping', () => seen.push('off'));
  emitter.emit('ping', 1);
  abort.abort();
  off();
  emitter.emit('ping', 2);
  expect(seen).toEqual(['once', 'signal', 'off']);
});

test('who hears an event is settled when it is told; the same function hears it once', () => {
  const emitter = new Emitter<{ ping: number }>();
  const seen: string[] = [];
  const late = (): void => void seen.push('late');
  const leaving = emitter.on('ping', () => {
    leaving();
    emitter.on('ping', late);
    emitter.on('ping', late);
  });
  emitter.on('ping', () => seen.push('second'));
  emitter.emit('ping', 1);
  emitter.emit('ping', 2);
  expect(seen).toEqual(['second', 'second', 'late']);
});
