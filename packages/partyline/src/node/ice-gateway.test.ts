import { expect, test } from 'vitest';
import { defaultGateway } from './ice-gateway.ts';

const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT';

test('the gateway of the default route', () => {
  const table = [
    head,
    'docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
    'wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0',
  ];
  expect(defaultGateway(() => table.join('\n'))).toEqual({ name: 'wlan0', host: '192.168.0.1' });
});

test.each([
  ['no route', head],
  ['a line with no gateway', `${head}\nppp0\t00000000\t00000000\t0001`],
  ['something else', 'x'],
])('%s', (_what, table) => {
  expect(defaultGateway(() => table)).toBeUndefined();
});

test('another system', () => {
  const read = (): string => {
    throw new Error('ENOENT');
  };
  expect(defaultGateway(read)).toBeUndefined();
});
