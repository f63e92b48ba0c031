import { expect, test } from 'vitest';
import { ConfigError } from '../config/index.ts';
import { readRelaySettings } from './relay-settings.ts';

const read = (args: string[], env: Record<string, string> = {}) =>
  readRelaySettings(['--user', 'alice:wonderland', '--listen', '127.0.0.1:3478', ...args], env);

test('one worker is this process, and nobody is answered as the operator', () => {
  expect(read([])).toMatchObject({ workers: 0, operator: undefined });
  expect(read(['--workers', '1'])).toMatchObject({ workers: 0 });
  expect(read(['--workers', '4'])).toMatchObject({ workers: 4 });
});

test('the operator’s token comes by the environment', () => {
  const env = { PARTYLINE_OPERATOR_TOKEN: 'sixteen letters!' };
  const { operator } = read(['--operator', '0.0.0.0:9464'], env);
  expect(operator).toEqual({ listen: '0.0.0.0:9464', token: 'sixteen letters!' });
});

test('behind a NAT both addresses are said, of either family', () => {
  const { relays } = read([
    ...['--relay-address', '8.8.4.4=10.0.0.7', '--relay-address', '2600::1=fd00::7'],
  ]);
  expect(relays).toMatchObject([
    { host: '8.8.4.4', bindHost: '10.0.0.7' },
    { host: '2600::1', bindHost: 'fd00::7' },
  ]);
});

test.each([
  [['--workers', '0'], '--workers: 1 to 64'],
  [['--workers', '65'], '--workers: 1 to 64'],
  [['--workers', 'many'], '--workers: 1 to 64, not «many»'],
  [['--workers', '2', '--listen', '127.0.0.1:65535'], 'there is no port 65536'],
  [['--workers', '3', '--port-range', '3480-3500'], '--port-range must not hold 3478'],
  [['--tls-cert', 'cert.pem'], 'go together'],
  [['--tls-cert', 'gone.pem', '--tls-key', 'gone.pem'], 'The certificate cannot be used'],
  [['--relay-address', '8.8.4.4=fd00::7'], 'PUBLIC=OWN'],
])('%j: said in words', (args, message) => {
  expect(() => read(args)).toThrow(ConfigError);
  expect(() => read(args)).toThrow(message);
});
