import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generatedFiles } from './generate.ts';

test.each([...generatedFiles()])(
  '%s is what the schemas give: run `npx tsx packages/protocol/tools/generate.ts`',
  (path, text) => {
    expect(readFileSync(path, 'utf8')).toBe(text);
  },
);
