import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameSlab } from './frame-slab.ts';

describe('memory for frames', () => {
  test('nobody who may read a frame ever sees another one in it', () => {
    const batch = fc.record({
      sizes: fc.array(
        fc.oneof(fc.integer({ min: 1, max: 1500 }), fc.integer({ max: 70_000, min: 1 })),
        {
          maxLength: 20,
        },
      ),
      isHeld: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 12 }), (batches) => {
        const slab = new FrameSlab();
        const held: { readonly frame: Uint8Array; readonly mark: number }[] = [];
        let mark = 0;
        for (const { sizes, isHeld } of batches) {
          const frames = sizes.map((size) => {
            mark = (mark % 255) + 1;
            const frame = slab.reserve(size).fill(mark);
            expect(frame.length).toBe(size);
            return { frame, mark };
          });
          for (const { frame, mark } of [...held, ...frames]) {
            if (!frame.every((byte) => byte === mark)) throw new Error('written over');
          }
          slab.settle(isHeld);
          if (isHeld) held.push(...frames);
        }
      }),
    );
  });

  test('it is used again as soon as nobody holds any of it', () => {
    const slab = new FrameSlab();
    const first = slab.reserve(1000);
    slab.settle(false);
    expect(slab.reserve(1000).buffer).toBe(first.buffer);
    expect(slab.reserve(1000).byteOffset).toBe(1000);
    slab.settle(true);
    expect(slab.reserve(1000).byteOffset).toBe(2000);
    slab.settle(false);
    expect(slab.reserve(1000).byteOffset).toBe(2000);
  });
});
