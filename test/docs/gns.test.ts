import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gnsDefaults } from 'partyline/protocol/gns';
import { snpDefaults } from 'partyline/protocol/snp';
import { expect, test } from 'vitest';

const page = readFileSync(join(import.meta.dirname, '../../docs/gns.md'), 'utf8');

test('docs/gns.md lists every option of a connection, with the default that it has', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \|.*\| (\S+) \|$/gm)];
  const told = new Map(rows.map(([, name = '', value = '']) => [name, value]));
  const { trustedCas: _none, ...others } = { ...snpDefaults, ...gnsDefaults };
  for (const [name, value] of Object.entries(others)) {
    expect([name, told.get(name)]).toEqual([name, String(value)]);
  }
  expect(told.get('trustedCas')).toBe('none');
});
