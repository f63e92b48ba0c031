import { describe, expect, test } from 'vitest';
import { parseIp } from '../../base/index.ts';
import { AddressFamily } from '../index.ts';
import { isInside, parseCidr } from './cidr.ts';
import { resolveTurnServerOptions, type TurnServerOptions } from './options.ts';
import { deniedAlways, deniedByDefault, PeerPolicy, type Verdict } from './peer-policy.ts';

const relays = [
  { family: AddressFamily.Ipv4, bindHost: '10.1.1.1', host: '8.8.4.4' },
  { family: AddressFamily.Ipv6, bindHost: '2600::1', host: '2600::1' },
] as const;

function judge(ip: string, more: Partial<TurnServerOptions> = {}): Verdict {
  const options = resolveTurnServerOptions({
    accountOf: () => undefined,
    relays,
    ports: { min: 5000, max: 5010 },
    ownHosts: ['10.1.1.1', '1.1.1.1', '2600::1', '2600::2'],
    ...more,
  });
  return new PeerPolicy(options).judge(parseIp(ip) ?? new Uint8Array());
}

describe('peers that are denied by default', () => {
  test.each([
    ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '127.0.0.1', '127.255.255.254'],
    ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.2.1', '192.88.99.1'],
    ...['192.168.1.1', '198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.1'],
    ...['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
    ...[
      '::',
      '::1',
      'fc00::1',
      'fd12::1',
      'fe80::1',
      'febf::1',
      'fec0::1',
      'ff02::1',
      '2001:db8::1',
    ],
    ...['100::1', '64:ff9b:1::1', '3fff::1', '5f00::1'],
    // IPv4 in the clothes of IPv6: CVE-2026-27624 and its kin
    ...['::ffff:127.0.0.1', '::ffff:0.0.0.0', '::ffff:10.0.0.1', '::ffff:169.254.169.254'],
    ...['::ffff:8.8.8.8', '::127.0.0.1', '::10.0.0.1', '::8.8.8.8'],
    ...['64:ff9b::7f00:1', '64:ff9b::a00:1', '64:ff9b::a9fe:a9fe'],
    ...['2002:7f00:1::', '2002:a00:1::1', '2002:c0a8:101::1'],
    // Teredo: server 10.0.0.1; client 127.0.0.1 with its bits turned over
    ...['2001:0:a00:1::', '2001:0:808:808::80ff:fffe'],
    // ISATAP
    ...['2600::5efe:7f00:1', '2600::200:5efe:a00:1'],
  ])('%s', (ip) => {
    expect(judge(ip).isAllowed).toBe(false);
  });

  test('every range of the tables, at both of its ends', () => {
    for (const text of [...deniedByDefault, ...deniedAlways]) {
      const cidr = parseCidr(text);
      if (!cidr) throw new Error(text);
      const last = cidr.ip.map((byte, i) => {
        const bits = Math.min(8, Math.max(0, cidr.prefixBits - 8 * i));
        return byte | (0xff >> bits);
      });
      expect(isInside(cidr, last)).toBe(true);
      for (const ip of [cidr.ip, last]) {
        const policy = new PeerPolicy(
          resolveTurnServerOptions({
            accountOf: () => undefined,
            relays,
            ports: { min: 5000, max: 5010 },
          }),
        );
        expect([text, policy.judge(ip).isAllowed]).toEqual([text, false]);
      }
    }
  });

  test('this machine’s own addresses, but relayed ones are marked as such', () => {
    expect(judge('1.1.1.1')).toEqual({ isAllowed: false, isOwnRelay: false, isLocal: true });
    expect(judge('2600::2')).toEqual({ isAllowed: false, isOwnRelay: false, isLocal: true });
    expect(judge('8.8.4.4')).toMatchObject({ isOwnRelay: true, isLocal: true });
    expect(judge('10.1.1.1')).toEqual({ isAllowed: false, isOwnRelay: true, isLocal: true });
  });
});

describe('peers that are allowed', () => {
  test.each([
    ...['8.8.8.8', '1.0.0.1', '172.15.255.255', '172.32.0.0', '100.63.255.255', '223.255.255.255'],
    ...['2607:f8b0::1', '64:ff9b::808:808', '2002:808:808::1', '2600:5efe::7f00:1'],
  ])('%s', (ip) => {
    expect(judge(ip)).toEqual({ isAllowed: true, isOwnRelay: false, isLocal: false });
  });

  test('a range opens what is denied by default only where it is as narrow', () => {
    expect(judge('10.2.3.4', { allowPeers: ['10.0.0.0/8'] }).isAllowed).toBe(true);
    expect(judge('10.2.3.4', { allowPeers: ['10.2.0.0/16'] }).isAllowed).toBe(true);
    expect(judge('10.2.3.4', { allowPeers: ['0.0.0.0/0'] }).isAllowed).toBe(false);
    expect(judge('127.0.0.1', { allowPeers: ['127.0.0.1'] })).toMatchObject({
      isAllowed: true,
      isLocal: true,
    });
    // An own address is as narrow as can be: a range around it does not open it.
    expect(judge('10.1.1.1', { allowPeers: ['10.0.0.0/8'] }).isAllowed).toBe(false);
    expect(judge('10.1.1.1', { allowPeers: ['10.1.1.1/32'] }).isAllowed).toBe(true);
  });

  test('what is denied stays denied, whatever is allowed', () => {
    const allowPeers = ['0.0.0.0/0', '0.0.0.0/8', '224.0.0.1/32', '::/0', '::/128', '8.8.8.8/32'];
    for (const ip of ['0.0.0.0', '224.0.0.1', '255.255.255.255', '::', 'ff02::1']) {
      expect(judge(ip, { allowPeers }).isAllowed).toBe(false);
    }
    expect(judge('8.8.8.8', { allowPeers, denyPeers: ['8.0.0.0/8'] }).isAllowed).toBe(false);
    // by its other spelling neither
    const inner = judge('64:ff9b::808:808', { denyPeers: ['8.0.0.0/8'] });
    expect(inner.isAllowed).toBe(false);
  });
});

test.each(['', '10.0.0.0/33', '10.0.0/8', '::/129', 'localhost', '10.0.0.0/', '10.0.0.0/8/8'])(
  '«%s» is no range',
  (text) => {
    expect(parseCidr(text)).toBeUndefined();
    expect(() => judge('8.8.8.8', { allowPeers: [text] })).toThrow('no address range');
  },
);
