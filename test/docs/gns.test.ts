import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gnsConfigValues, gnsDefaults } from 'partyline/protocol/gns';
import { snpDefaults } from 'partyline/protocol/snp';
import { expect, test } from 'vitest';

const page = readFileSync(join(import.meta.dirname, '../../docs/gns.md'), 'utf8');

test('docs/gns.md lists every option of a connection, with the default that it has', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \|.*\| (\S+) \|$/gm)];
  const told = new Map(rows.map(([, name = '', value = '']) => [name, value]));
  const {
    trustedCas: _none,
    fakeSend: _send,
    fakeReceive,
    ...others
  } = {
    ...snpDefaults,
    ...gnsDefaults,
  };
  for (const [name, value] of Object.entries(others)) {
    expect([name, told.get(name)]).toEqual([name, String(value)]);
  }
  expect(told.get('trustedCas')).toBe('none');
  const fakes = page.split('\n').find((line) => line.startsWith('| `fakeSend`, `fakeReceive` |'));
  for (const name of Object.keys(fakeReceive)) expect(fakes).toContain(`\`${name}\``);
});

test('docs/gns.md names GNS’s own value and number beside each', () => {
  const ours = gnsConfigValues.filter(({ name, option }) => {
    return name !== 'MTU_DataSize' && !option.startsWith('fake');
  });
  for (const { name, number, option } of ours) {
    expect(page).toMatch(new RegExp(`^\\| \`${option}\` \\| ${name} ${number}[ (]`, 'm'));
  }
});
