import { AddressFamily } from 'partyline/protocol/turn';
import { expect, test } from 'vitest';
import { type Knock, knocks, selfTest } from './self-test.ts';

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
  const attempt = ({ carrier, isOutside }: Knock): Promise<void> =>
    carrier === 'UDP' && !isOutside ? Promise.resolve() : Promise.reject(new Error('refused'));
  const lines = await selfTest(all, attempt, new AbortController().signal);
  expect(lines).toEqual([
    '10.0.0.7:3478 gives allocations by UDP, asked from here',
    expect.stringMatching(/^8\.8\.4\.4:3478 does not answer by UDP from here.*-p 3478 8\.8\.4\.4$/),
    '10.0.0.7:3478 gives no allocation by TCP: refused',
    expect.stringMatching(/^8\.8\.4\.4:3478 does not answer by TCP from here/),
    'whether firewalls let others in cannot be seen from here',
  ]);
});

test('an end of the server ends its trial, and nothing is said', async () => {
  const all = knocks({ udp: [{ host: '::1', port: 1 }], tcp: [], hasTls: false, relays, own });
  const over = new AbortController();
  const waiting = (_: Knock, signal: AbortSignal): Promise<void> =>
    new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason)),
    );
  const lines = selfTest(all, waiting, over.signal);
  over.abort();
  expect(await lines).toEqual([]);
});
