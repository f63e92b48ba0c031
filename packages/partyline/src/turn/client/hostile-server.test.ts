import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rigCrypto, TurnWorld } from '../../../test/turn-world.ts';
import { utf8 } from '../../base/index.ts';
import {
  decodeStun,
  encodeStun,
  errorCode,
  findAttribute,
  type IntegrityAlgorithm,
  integrityOf,
  longTermKey,
  nonceCookie,
  PasswordAlgorithm,
  passwordAlgorithms,
  plainAddress,
  SecurityFeature,
  type StunAttribute,
  StunAttributeType,
  StunClass,
  type StunMessage,
  userhash,
  withMessageIntegrity,
  xorAddress,
} from '../../stun/index.ts';
import { lifetime, TurnAttributeType } from '../attributes.ts';
import { TurnMethod } from '../methods.ts';
import type { TurnCarrier, TurnCarrierFactory, TurnServerAddress } from './index.ts';

const crypto = rigCrypto(11);
const realm = { type: StunAttributeType.Realm, value: utf8('r') };
const nonce = (text: string): StunAttribute => ({
  type: StunAttributeType.Nonce,
  value: utf8(text),
});
const algorithmsCookie = nonceCookie(SecurityFeature.PasswordAlgorithms);

interface Answer {
  readonly class?: StunClass;
  readonly attributes: readonly StunAttribute[];
  /** Whose MAC it has; default none. */
  readonly key?: Uint8Array;
  readonly integrity?: IntegrityAlgorithm;
  /** Added by somebody on the way, behind the MAC. */
  readonly behind?: StunAttribute;
}

type Script = (request: StunMessage, server: TurnServerAddress, serial: number) => Answer[];

/** A server that says what a test wants; requests that came to it. */
function scripted(
  script: Script,
  kind: TurnCarrier['kind'] = 'datagram',
): { readonly factory: TurnCarrierFactory; readonly requests: StunMessage[] } {
  const requests: StunMessage[] = [];
  const factory: TurnCarrierFactory = {
    open: async (server, handlers) => ({
      kind,
      bufferedBytes: 0,
      send: (bytes) => {
        const request = decodeStun(bytes);
        requests.push(request);
        for (const answer of script(request, server, requests.length)) {
          const bare = encodeStun({
            class: answer.class ?? StunClass.Success,
            method: request.method,
            transactionId: request.transactionId,
            attributes: answer.attributes,
          });
          const { key, integrity = 'sha1' } = answer;
          const whole = key ? withMessageIntegrity(crypto, bare, key, integrity) : bare;
          const sent = answer.behind ? withAttribute(whole, answer.behind) : whole;
          queueMicrotask(() => handlers.onBytes(sent));
        }
      },
      close: () => {},
    }),
  };
  return { factory, requests };
}

/** An attribute of a multiple of four bytes at the end of an encoded message. */
function withAttribute(message: Uint8Array, { type, value }: StunAttribute): Uint8Array {
  const longer = new Uint8Array(message.length + 4 + value.length);
  longer.set(message);
  longer.set([type >> 8, type & 0xff, 0, value.length], message.length);
  longer.set(value, message.length + 4);
  new DataView(longer.buffer).setUint16(2, longer.length - 20);
  return longer;
}

const challenge = (code = 401, ...attributes: StunAttribute[]): Answer => ({
  class: StunClass.Error,
  attributes: [errorCode({ code, reason: '' }), realm, ...attributes],
});
const refusal = (code: number, more: readonly StunAttribute[] = [], key?: Uint8Array): Answer => ({
  class: StunClass.Error,
  attributes: [errorCode({ code, reason: 'No' }), ...more],
  ...(key && { key }),
});
const granted = (
  request: StunMessage,
  key: Uint8Array,
  integrity?: IntegrityAlgorithm,
): Answer => ({
  attributes: [
    xorAddress(
      TurnAttributeType.XorRelayedAddress,
      { host: '8.8.4.4', port: 5000 },
      request.transactionId,
    ),
    lifetime(600),
  ],
  key,
  ...(integrity && { integrity }),
});
const keyOf = (algorithm: PasswordAlgorithm, password = 'pw'): Uint8Array =>
  longTermKey(crypto, { username: 'alice', realm: 'r', password }, algorithm);
const md5Key = keyOf(PasswordAlgorithm.Md5);
const has = ({ attributes }: StunMessage, type: number): boolean =>
  attributes.some((attribute) => attribute.type === type);
const isProved = (request: StunMessage): boolean => integrityOf(request) !== undefined;

async function outcome(script: Script, kind?: TurnCarrier['kind']) {
  const world = new TurnWorld();
  const { factory, requests } = scripted(script, kind);
  const client = world.client({}, { carriers: factory });
  return { code: await client.failure(), requests, ms: world.clock.now(), client };
}

describe('passwords: RFC 8489 §9.2.5', () => {
  test('a server of RFC 5389: MD5 and HMAC-SHA1', async () => {
    const { code, requests } = await outcome((request) =>
      isProved(request) ? [granted(request, md5Key)] : [challenge(401, nonce('n'))],
    );
    expect(code).toBe('none');
    expect(requests.map(integrityOf)).toEqual([undefined, 'sha1']);
    expect(requests.some((request) => has(request, StunAttributeType.PasswordAlgorithm))).toBe(
      false,
    );
  });

  test.each([
    [[PasswordAlgorithm.Sha256, PasswordAlgorithm.Md5], PasswordAlgorithm.Sha256],
    [[PasswordAlgorithm.Md5, PasswordAlgorithm.Sha256], PasswordAlgorithm.Md5],
    [[77, PasswordAlgorithm.Sha256], PasswordAlgorithm.Sha256],
  ])(
    'algorithms %j: the first that we know, with SHA-256’s MAC and the list as it was',
    async (offered, chosen) => {
      const list = passwordAlgorithms(offered);
      const { code, requests } = await outcome((request) =>
        isProved(request)
          ? [granted(request, keyOf(chosen), 'sha256')]
          : [challenge(401, nonce(`${algorithmsCookie}x`), list)],
      );
      expect(code).toBe('none');
      const [, second] = requests;
      if (!second) throw new Error('no second request');
      expect(integrityOf(second)).toBe('sha256');
      expect(findAttribute(second, StunAttributeType.PasswordAlgorithms)).toEqual(list.value);
      expect(findAttribute(second, StunAttributeType.PasswordAlgorithm)?.[1]).toBe(chosen);
    },
  );

  test.each([
    ['the list is taken out', [nonce(`${algorithmsCookie}x`)]],
    ['none of it is known', [nonce(`${algorithmsCookie}x`), passwordAlgorithms([77])]],
    ['the list is cut', [nonce(`${algorithmsCookie}x`), { type: 0x8002, value: Uint8Array.of(0) }]],
    ['no nonce', []],
    ['an endless nonce', [nonce('n'.repeat(764))]],
    ['a nonce that is no text', [{ type: 0x15, value: Uint8Array.of(0xff, 0xff) }]],
  ])('a challenge that makes no sense counts as not received: %s', async (_, attributes) => {
    const { code, requests } = await outcome((request) =>
      isProved(request) ? [granted(request, md5Key)] : [challenge(401, ...attributes)],
    );
    expect(code).toBe('TURN_UNREACHABLE');
    expect(requests.some(isProved)).toBe(false);
  });

  test('anonymous names: USERHASH in place of USERNAME', async () => {
    const cookie = nonceCookie(SecurityFeature.UsernameAnonymity);
    const { code, requests } = await outcome((request) =>
      isProved(request) ? [granted(request, md5Key)] : [challenge(401, nonce(`${cookie}x`))],
    );
    expect(code).toBe('none');
    const [, second] = requests;
    if (!second) throw new Error('no second request');
    expect(has(second, StunAttributeType.Username)).toBe(false);
    expect(findAttribute(second, StunAttributeType.Userhash)).toEqual(
      userhash(crypto, 'alice', 'r'),
    );
  });

  test('438 each time: it gives up', async () => {
    const { code, requests } = await outcome((_request, _server, serial) => [
      challenge(serial === 1 ? 401 : 438, nonce(`n${serial}`)),
    ]);
    expect(code).toBe('TURN_REFUSED');
    expect(requests).toHaveLength(5);
  });

  test('a realm that changes each time: it gives up', async () => {
    const { code, requests } = await outcome((_request, _server, serial) => [
      {
        class: StunClass.Error,
        attributes: [
          errorCode({ code: 401, reason: '' }),
          { type: StunAttributeType.Realm, value: utf8(`realm ${serial}`) },
          nonce('n'),
        ],
      },
    ]);
    expect(code).toBe('TURN_UNAUTHORIZED');
    expect(requests).toHaveLength(5);
  });

  const forged: readonly (readonly [string, (request: StunMessage) => Answer])[] = [
    ['no MAC', (request) => ({ attributes: granted(request, md5Key).attributes })],
    ['another password’s', (request) => granted(request, keyOf(PasswordAlgorithm.Md5, 'guess'))],
    ['another kind', (request) => granted(request, md5Key, 'sha256')],
    ['an error without one', () => refusal(486)],
  ];

  test.each(forged)(
    'over UDP an answer is not taken: %s. The right one behind it is',
    async (_, forge) => {
      const { code } = await outcome((request) =>
        isProved(request)
          ? [forge(request), granted(request, md5Key)]
          : [challenge(401, nonce('n'))],
      );
      expect(code).toBe('none');
      const alone = await outcome((request) =>
        isProved(request) ? [forge(request)] : [challenge(401, nonce('n'))],
      );
      expect(alone.code).toBe('TURN_UNREACHABLE');
      expect(alone.ms).toBeGreaterThanOrEqual(39_500);
    },
  );

  test.each(forged)('on a stream nothing better can come: %s', async (_, forge) => {
    const { code, ms } = await outcome(
      (request) => (isProved(request) ? [forge(request)] : [challenge(401, nonce('n'))]),
      'message',
    );
    expect(code).toBe('TURN_UNREACHABLE');
    expect(ms).toBeLessThan(100);
  });

  test('what stands behind the MAC is not looked at', async () => {
    const { code } = await outcome((request) => {
      if (!isProved(request)) return [challenge(401, nonce('n'))];
      const [relayed, ...others] = granted(request, md5Key).attributes;
      return [{ attributes: others, key: md5Key, ...(relayed && { behind: relayed }) }];
    });
    expect(code).toBe('TURN_REFUSED'); // no relayed address
  });

  test('441: the allocation is another user’s', async () => {
    const { code } = await outcome((request) =>
      isProved(request) ? [refusal(441, [], md5Key)] : [challenge(401, nonce('n'))],
    );
    expect(code).toBe('TURN_WRONG_CREDENTIALS');
  });

  test('an unknown code: its number and words are in the message', async () => {
    const { code, client } = await outcome(() => [refusal(599)]);
    expect(code).toBe('TURN_REFUSED');
    await expect(client.allocate()).rejects.toThrow(/599: No/);
  });
});

describe('redirects: RFC 8489 §10', () => {
  const to = (host: string, port = 3478): StunAttribute =>
    plainAddress(StunAttributeType.AlternateServer, { host, port });

  test('the next server is asked, with the name that its certificate must have', async () => {
    const seen: TurnServerAddress[] = [];
    const domain = { type: StunAttributeType.AlternateDomain, value: utf8('b.example') };
    const { code } = await outcome((request, server) => {
      seen.push(server);
      if (server.host === 'relay.example') return [refusal(300, [to('8.8.8.1')])];
      if (server.host === '8.8.8.1') return [refusal(300, [to('2600::9', 443), domain])];
      return isProved(request) ? [granted(request, md5Key)] : [challenge(401, nonce('n'))];
    });
    expect(code).toBe('none');
    expect(seen.slice(0, 3)).toEqual([
      { host: 'relay.example', port: 3478 },
      { host: '8.8.8.1', port: 3478, domain: 'relay.example' },
      { host: '2600::9', port: 443, domain: 'b.example' },
    ]);
  });

  test('in a circle: it ends', async () => {
    const { code, requests } = await outcome((_request, server) => [
      refusal(300, [to(server.host === '8.8.8.1' ? '8.8.8.2' : '8.8.8.1')]),
    ]);
    expect(code).toBe('TURN_REFUSED');
    expect(requests).toHaveLength(3);
  });

  test('without end: no more than limits.redirects', async () => {
    const { code, requests } = await outcome((_request, _server, serial) => [
      refusal(300, [to(`8.8.8.${serial}`)]),
    ]);
    expect(code).toBe('TURN_REFUSED');
    expect(requests).toHaveLength(4);
  });

  test.each([
    ['no address', []],
    ['an address that does not parse', [{ type: 0x8023, value: Uint8Array.of(0, 1, 2) }]],
    ['port 0', [to('8.8.8.1', 0)]],
    ['a domain that is none', [to('8.8.8.1'), { type: 0x8003, value: utf8('a b') }]],
    ['an endless domain', [to('8.8.8.1'), { type: 0x8003, value: utf8('a'.repeat(256)) }]],
  ])('nowhere to go: %s', async (_, attributes) => {
    const { code, requests } = await outcome(() => [refusal(300, attributes)]);
    expect(code).toBe('TURN_REFUSED');
    expect(requests).toHaveLength(1);
  });
});

describe('hostile bytes', () => {
  test.each(['datagram', 'stream', 'message'] as const)(
    '%s: nothing throws, and what is asked still ends',
    async (kind) => {
      const piece = fc.oneof(
        fc.uint8Array({ maxLength: 80 }),
        fc
          .record({
            class: fc.constantFrom<StunClass>(0, 1, 2, 3),
            method: fc.constantFrom<number>(...Object.values(TurnMethod)),
            attributes: fc.array(
              fc.record({
                type: fc.constantFrom<number>(
                  ...Object.values(StunAttributeType),
                  ...Object.values(TurnAttributeType),
                ),
                value: fc.uint8Array({ maxLength: 24 }),
              }),
              { maxLength: 6 },
            ),
          })
          .map((message) => encodeStun({ ...message, transactionId: new Uint8Array(12) })),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
          const world = new TurnWorld();
          let inject = (_bytes: Uint8Array): void => {};
          let lastId: Uint8Array | undefined;
          const { factory } = world.relay.carriers({
            kind,
            latencyMs: 5,
            tap: (bytes, isToServer) => {
              if (isToServer && bytes.length >= 20) lastId = bytes.slice(8, 20);
              return bytes;
            },
          });
          const carriers: TurnCarrierFactory = {
            open: (server, handlers, signal) => {
              inject = (bytes) => handlers.onBytes(bytes);
              return factory.open(server, handlers, signal);
            },
          };
          const throwIn = (): void => {
            for (const bytes of pieces) {
              const aimed = bytes.slice();
              if (lastId && aimed.length >= 20) aimed.set(lastId, 8);
              inject(aimed);
            }
          };
          world.clock.after(1, throwIn);
          world.clock.after(12, throwIn);
          world.clock.after(1000, throwIn);
          const client = world.client({}, { carriers, timing: { maxRequests: 3 } });
          const code = await client.failure();
          expect(code).toMatch(/^(none|TURN_[A-Z]+)$/);
          await world.clock.advanceAsync(2000);
        }),
        { numRuns: 40 },
      );
    },
  );
});
