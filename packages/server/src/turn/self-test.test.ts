import { AddressFamily } from 'partyline/protocol/turn';
import { expect, test } from 'vitest';
import { knocks, selfTest } from './self-test.ts';

const own = ['127.0.0.1', '::1', '10.0.0.7', '2607:f8b0::7', 'fe80::1'];
const relays = [{ family: AddressFamily.Ipv4, bindHost: '10.0.0.7', host: '8.8.4.4' }];

test('every address that is listened on is knocked at, and the public one', () => {
  const any = [{ host: '0.0.0.0', port: 3478 }];
  const found = knocks({ udp: any, tcp: [], hasTls: false, relays, own });
  expect(found.map(({ host, isOutside }) => [host, isOutside])).toEqual([
    ['127.0.0.1', false],
    ['10.0.0.7', false],
    ['8.8.4.4', true],
  ]);
});

test('of IPv6 those that players can reach; TLS where there is a certificate', () => {
  const any = [{ host: '::', port: 1 }];
  const found = knocks({ udp: [], tcp: any, hasTls: true, relays, own });
  expect(found.map(({ carrier, host }) => `${carrier} ${host}`)).toEqual([
    'TCP ::1',
    'TCP 2607:f8b0::7',
    'TLS ::1',
    'TLS 2607:f8b0::7',
  ]);
});

test('what works and what does not is said in words, and what cannot be known', async () => {
  const udp = [{ host: '10.0.0.7', port: 3478 }];
  const all = knocks({ udp, tcp: udp, hasTls: false, relays, own });
  const lines = await selfTest(all, ({ carrier, isOutside }) =>
    carrier === 'UDP' && !isOutside ? Promise.resolve() : Promise.reject(new Error('refused')),
  );
  expect(lines).toEqual([
    '10.0.0.7:3478 gives allocations by UDP, asked from here',
    expect.stringMatching(/^8\.8\.4\.4:3478 does not answer by UDP from here.*-p 3478 8\.8\.4\.4$/),
    '10.0.0.7:3478 gives no allocation by TCP: refused',
    expect.stringMatching(/^8\.8\.4\.4:3478 does not answer by TCP from here/),
    'whether firewalls let others in cannot be seen from here',
  ]);
});
