import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bundleProblems, measureBundle } from './bundle-budget.ts';

/** Text that neither minifies nor compresses away. */
const bulk = (length: number): string => {
  let state = 1;
  return Array.from({ length }, () => {
    state = (state * 48_271) % 0x7fff_ffff;
    return (state % 36).toString(36);
  }).join('');
};

describe('measureBundle', () => {
  test('counts what is imported by statement, at any depth, and not what waits for import()', async () => {
    const report = await measure({
      'browser/index.ts': `export { a } from '../base/index.ts'; export const later = () => import('../big/index.ts');`,
      'base/index.ts': `export const a = '${bulk(1000)}';`,
      'big/index.ts': `import { a } from '../base/index.ts'; export const b = a + '${bulk(50_000)}';`,
    });
    const onDemand = report.chunks.filter(({ isStatic }) => !isStatic);
    expect(onDemand).toHaveLength(1);
    expect(onDemand[0]?.gzipBytes).toBeGreaterThan(25_000);
    expect(report.staticGzipBytes).toBeGreaterThan(600);
    expect(report.staticGzipBytes).toBeLessThan(3000);
    expect(report.parts[0]?.[0]).toBe('base');
    expect(bundleProblems(report)).toEqual([]);
  });

  test('a bundle over its budget is refused', async () => {
    const report = await measure({
      'browser/index.ts': `export * from '../base/index.ts';`,
      'base/index.ts': `export const a = '${bulk(60_000)}';`,
    });
    expect(bundleProblems(report)).toEqual([expect.stringMatching(/^\d+ bytes gzip, over 30720$/)]);
  });

  test.each(['gns', 'snp', 'ice', 'turn'])(
    'a file of %s is refused, also on demand',
    async (layer) => {
      const report = await measure({
        'browser/index.ts': `export const later = () => import('../${layer}/core.ts');`,
        [`${layer}/core.ts`]: `export const core = 1;`,
      });
      expect(bundleProblems(report)).toEqual([`${layer}/core.ts is in the browser build`]);
    },
  );

  test('what is unused is not counted', async () => {
    const report = await measure({
      'browser/index.ts': `export { a } from '../base/index.ts';`,
      'base/index.ts': `export const a = 1; export const unused = '${bulk(60_000)}';`,
    });
    expect(report.staticGzipBytes).toBeLessThan(200);
  });
});

function measure(files: Record<string, string>): ReturnType<typeof measureBundle> {
  const src = mkdtempSync(join(tmpdir(), 'bundle-'));
  for (const [file, source] of Object.entries(files)) {
    mkdirSync(dirname(join(src, file)), { recursive: true });
    writeFileSync(join(src, file), source);
  }
  return measureBundle(join(src, 'browser/index.ts'), src);
}
