import { expect, test } from 'vitest';
import { DecodeError } from '../base/index.ts';
import { ReliableFragments, UnreliableFragments } from './fragments.ts';
import type { FragmentHeader, MessageFrame } from './link-frames.ts';
import { linkLimits } from './link-limits.ts';

function part(mode: 'reliable' | 'unreliable', length: number, fragment: FragmentHeader) {
  const bytes = new Uint8Array(length);
  const head = { type: 'message', channel: 0, peer: 1, system: false, sequence: 0 } as const;
  const frame: MessageFrame = { ...head, mode, fragment, bytes };
  return [frame, fragment] as const;
}

test('a fragment that is not the last has 512 bytes or more, the last one at least one', () => {
  const reliable = new ReliableFragments(linkLimits);
  const more = { id: 0, index: 0, count: 0 };
  const last = { id: 0, index: 0, count: 1 };
  expect(() => reliable.add(...part('reliable', 511, more))).toThrow(DecodeError);
  expect(reliable.add(...part('reliable', 512, more))).toBeUndefined();
  expect(reliable.add(...part('reliable', 1, last))?.length).toBe(513);
  expect(() => reliable.add(...part('reliable', 0, last))).toThrow(DecodeError);

  const unreliable = new UnreliableFragments(linkLimits);
  const at = (index: number): FragmentHeader => ({ id: 7, index, count: 2 });
  expect(() => unreliable.add(...part('unreliable', 511, at(0)))).toThrow(DecodeError);
  expect(unreliable.add(...part('unreliable', 1, at(1)))).toBeUndefined();
  expect(unreliable.add(...part('unreliable', 512, at(0)))?.length).toBe(513);
});

test('more fragments than the largest message can have are refused', () => {
  const fragments = new UnreliableFragments(linkLimits);
  const of = (count: number): FragmentHeader => ({ id: count, index: 0, count });
  expect(fragments.add(...part('unreliable', 512, of(1024)))).toBeUndefined();
  expect(() => fragments.add(...part('unreliable', 512, of(1025)))).toThrow(DecodeError);
});
