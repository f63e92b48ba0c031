import { describe, expect, test } from 'vitest';
import type { Store } from '../../packages/server/src/store/index.ts';

export interface StoreSetup extends AsyncDisposable {
  readonly store: Store;
  /** Lets so much of the store's time go by. */
  pass(ms: number): Promise<void>;
}

/** What every store promises. A new store adds a setup and no test of its own kind. */
export function describeStore(name: string, setup: () => Promise<StoreSetup>): void {
  describe(`Store: ${name}`, () => {
    test('a record is made once: revision 1, and a second maker is refused', async () => {
      await using s = await setup();
      expect(await s.store.load('a')).toBeUndefined();
      expect(await s.store.write({ key: 'a', from: 0, value: { n: 1 } })).toBe(true);
      expect(await s.store.write({ key: 'a', from: 0, value: { n: 2 } })).toBe(false);
      expect(await s.store.load('a')).toEqual({ revision: 1, value: { n: 1 } });
    });

    test('of many writers on one revision exactly one wins', async () => {
      await using s = await setup();
      await s.store.write({ key: 'a', from: 0, value: 0 });
      const writers = Array.from({ length: 20 }, (_, n) =>
        s.store.write({ key: 'a', from: 1, value: n + 1 }),
      );
      const won = (await Promise.all(writers)).filter(Boolean);
      expect(won).toHaveLength(1);
      expect((await s.store.load('a'))?.revision).toBe(2);
    });

    test('a lost write changes nothing and says nothing', async () => {
      await using s = await setup();
      const heard: unknown[] = [];
      await s.store.subscribe('c', (message) => heard.push(message));
      const publish = { channel: 'c', message: 'never' };
      expect(await s.store.write({ key: 'a', from: 7, value: 1, publish })).toBe(false);
      await s.pass(0);
      expect(heard).toEqual([]);
      expect(await s.store.load('a')).toBeUndefined();
    });

    test('deleting needs the revision too; afterwards the record can be made anew', async () => {
      await using s = await setup();
      await s.store.write({ key: 'a', from: 0, value: 1 });
      expect(await s.store.write({ key: 'a', from: 2, value: undefined })).toBe(false);
      expect(await s.store.write({ key: 'a', from: 1, value: undefined })).toBe(true);
      expect(await s.store.load('a')).toBeUndefined();
      expect(await s.store.write({ key: 'a', from: 0, value: 2 })).toBe(true);
    });

    test('a record with an end is gone at its end, not before', async () => {
      await using s = await setup();
      await s.store.write({ key: 'a', from: 0, value: 1, expiresInMs: 5000 });
      await s.pass(4900);
      expect(await s.store.load('a')).toBeDefined();
      await s.pass(200);
      expect(await s.store.load('a')).toBeUndefined();
      expect(await s.store.write({ key: 'a', from: 0, value: 2 })).toBe(true);
      await s.pass(60_000);
      expect((await s.store.load('a'))?.value).toBe(2);
    });

    test('expire gives a record an end, or takes it away, and leaves its revision', async () => {
      await using s = await setup();
      expect(await s.store.expire('a', 1000)).toBe(false);
      await s.store.write({ key: 'a', from: 0, value: 1 });
      await s.store.write({ key: 'b', from: 0, value: 1 });
      expect(await s.store.expire('a', 1000)).toBe(true);
      expect(await s.store.expire('b', 1000)).toBe(true);
      expect(await s.store.expire('b', undefined)).toBe(true);
      await s.pass(1100);
      expect(await s.store.load('a')).toBeUndefined();
      expect((await s.store.load('b'))?.revision).toBe(1);
    });

    test('a write without an end takes the end away', async () => {
      await using s = await setup();
      await s.store.write({ key: 'a', from: 0, value: 1, expiresInMs: 1000 });
      await s.store.write({ key: 'a', from: 1, value: 2 });
      await s.pass(2000);
      expect((await s.store.load('a'))?.value).toBe(2);
    });

    test('subscribers hear the writes of a record in the order of its revisions', async () => {
      await using s = await setup();
      const heard: unknown[] = [];
      const listeners = [1, 2].map((n) => (message: unknown) => heard.push([n, message]));
      for (const listener of listeners) await s.store.subscribe('c', listener);
      for (const n of [0, 1, 2]) {
        const publish = { channel: 'c', message: { n } };
        await s.store.write({ key: 'a', from: n, value: n, publish });
      }
      await s.pass(0);
      for (const n of [1, 2]) {
        const own = heard.filter((entry) => Array.isArray(entry) && entry[0] === n);
        expect(own).toEqual([0, 1, 2].map((m) => [n, { n: m }]));
      }
    });

    test('a channel is heard by its subscribers only, and by none after they left', async () => {
      await using s = await setup();
      const heard: unknown[] = [];
      const leave = await s.store.subscribe('c', (message) => heard.push(message));
      await s.store.publish('other', 1);
      await s.store.publish('c', 2);
      await s.pass(0);
      leave();
      leave();
      await s.store.publish('c', 3);
      await s.pass(0);
      expect(heard).toEqual([2]);
    });

    test('an index keeps one value a member and forgets removed ones', async () => {
      await using s = await setup();
      expect((await s.store.readIndex('i')).size).toBe(0);
      await s.store.putIndex('i', 'a', { n: 1 });
      await s.store.putIndex('i', 'b', { n: 2 });
      await s.store.putIndex('i', 'a', { n: 3 });
      await s.store.putIndex('other', 'c', {});
      await s.store.removeIndex('i', 'b');
      await s.store.removeIndex('i', 'nobody');
      expect([...(await s.store.readIndex('i'))]).toEqual([['a', { n: 3 }]]);
    });
  });
}
