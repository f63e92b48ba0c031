import { expect, test } from 'vitest';
import { readRelaySettings } from './relay-settings.ts';

const read = (...args: string[]) =>
  readRelaySettings(['--user', 'a:b', '--listen', '127.0.0.1:3478', ...args], {}).discovery;

test('two addresses and the next two ports; behind a NAT each has two names', () => {
  expect(read()).toBeUndefined();
  expect(
    read('--discovery-address', '8.8.4.4=10.0.0.4', '--discovery-address', '8.8.8.8'),
  ).toMatchObject({
    addresses: [
      { host: '8.8.4.4', bindHost: '10.0.0.4' },
      { host: '8.8.8.8', bindHost: '8.8.8.8' },
    ],
    ports: [3479, 3480],
  });
});

const two = ['--discovery-address', '8.8.4.4', '--discovery-address', '8.8.8.8'];

test.each([
  ['one address', ['--discovery-address', '8.8.4.4']],
  ['three', [...two, '--discovery-address', '8.8.8.9']],
  ['twice the same', ['--discovery-address', '8.8.4.4', '--discovery-address', '8.8.4.4']],
  ['of two families', ['--discovery-address', '8.8.4.4', '--discovery-address', '2600::1']],
  ['a name', ['--discovery-address', 'a.example', '--discovery-address', '8.8.8.8']],
  ['a port alone', ['--discovery-port', '3479']],
  ['no port', [...two, '--discovery-port', 'x']],
  ['the last port', [...two, '--discovery-port', '65535']],
  ['a port that is listened on', [...two, '--discovery-port', '3478']],
  ['the next one is', [...two, '--discovery-port', '3477']],
  ['a port of relayed addresses', [...two, '--discovery-port', '49159']],
])('%s is refused', (_, args) => {
  expect(() => read(...args)).toThrow(/--discovery-|relay address/);
});
