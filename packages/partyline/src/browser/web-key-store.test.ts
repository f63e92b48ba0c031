import { expect, test } from 'vitest';
import { WebKeyStore } from './web-key-store.ts';

function storage(): Storage {
  const values = new Map<string, string>();
  return {
    get length() {
      return values.size;
    },
    clear: () => values.clear(),
    key: (index) => [...values.keys()][index] ?? null,
    getItem: (name) => values.get(name) ?? null,
    setItem: (name, value) => void values.set(name, value),
    removeItem: (name) => void values.delete(name),
  };
}

test('what is saved is in the page’s storage under our prefix, until it is deleted', () => {
  const page = storage();
  const store = new WebKeyStore(() => page);
  store.save('game/guest/default', 'secret');
  expect(page.getItem('partyline/game/guest/default')).toBe('secret');
  expect(new WebKeyStore(() => page).load('game/guest/default')).toBe('secret');
  store.save('game/guest/default', undefined);
  expect(store.load('game/guest/default')).toBeUndefined();
});

test('a browser that forbids storage, or has none left, gives a store for as long as the page lives', () => {
  const forbidden = new WebKeyStore(() => {
    throw new Error('SecurityError');
  });
  const full = new WebKeyStore(() => ({
    ...storage(),
    setItem: () => {
      throw new Error('QuotaExceededError');
    },
  }));
  for (const store of [forbidden, full]) {
    expect(store.load('a')).toBeUndefined();
    store.save('a', 'b');
    expect(store.load('a')).toBe('b');
    store.save('a', undefined);
    expect(store.load('a')).toBeUndefined();
  }
});
