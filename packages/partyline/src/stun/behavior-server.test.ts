import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeErrorCode,
  decodeMappedAddress,
  decodeXorMappedAddress,
  findAttribute,
  type StunAddress,
  StunAttributeType,
} from './attributes.ts';
import {
  BehaviorAttributeType,
  changeRequest,
  padding,
  responsePort,
} from './behavior-attributes.ts';
import { type BehaviorPlace, behaviorAnswer } from './behavior-server.ts';
import {
  decodeStun,
  encodeStun,
  type StunAttribute,
  StunClass,
  type StunMessage,
} from './message.ts';

const places: [StunAddress, StunAddress, StunAddress, StunAddress] = [
  { host: '8.8.4.4', port: 3479 },
  { host: '8.8.4.4', port: 3480 },
  { host: '8.8.8.8', port: 3479 },
  { host: '8.8.8.8', port: 3480 },
];
const client = { host: '1.2.3.4', port: 40_000 };

function request(...attributes: StunAttribute[]): Uint8Array {
  const transactionId = Uint8Array.from({ length: 12 }, (_, i) => i);
  return encodeStun({ class: StunClass.Request, method: 1, transactionId, attributes });
}

function ask(
  bytes: Uint8Array,
  at: BehaviorPlace = 0,
): { from: BehaviorPlace; to: StunAddress; message: StunMessage; length: number } {
  const answer = behaviorAnswer(bytes, client, at, places);
  if (!answer) throw new Error('no answer');
  const { from, to } = answer;
  return { from, to, message: decodeStun(answer.bytes), length: answer.bytes.length };
}

const addressIn = (message: StunMessage, type: number): StunAddress =>
  decodeMappedAddress(findAttribute(message, type) ?? new Uint8Array());

describe('RFC 5780 §6.1', () => {
  test.each([0, 1, 2, 3] as const)('heard at place %i: table 1', (at) => {
    for (const otherAddress of [false, true]) {
      for (const otherPort of [false, true]) {
        const { from, to, message } = ask(request(changeRequest({ otherAddress, otherPort })), at);
        const expected = {
          host: otherAddress ? places[at ^ 2]?.host : places[at].host,
          port: otherPort ? places[at ^ 1]?.port : places[at].port,
        };
        expect(places[from]).toEqual(expected);
        expect(to).toEqual(client);
        expect(addressIn(message, BehaviorAttributeType.ResponseOrigin)).toEqual(expected);
        const other = addressIn(message, BehaviorAttributeType.OtherAddress);
        expect(other.host).not.toBe(places[at].host);
        expect(other.port).not.toBe(places[at].port);
      }
    }
  });

  test('the client’s address twice, so that a NAT that rewrites it is found out', () => {
    const { from, message, length } = ask(request());
    expect(from).toBe(0);
    const hidden = findAttribute(message, StunAttributeType.XorMappedAddress) ?? new Uint8Array();
    expect(decodeXorMappedAddress(hidden, message.transactionId)).toEqual(client);
    expect(addressIn(message, StunAttributeType.MappedAddress)).toEqual(client);
    expect(length).toBe(68);
  });

  test('RESPONSE-PORT: the same host, another port', () => {
    expect(ask(request(responsePort(555))).to).toEqual({ host: '1.2.3.4', port: 555 });
  });

  test.each([100, 101, 400, 1500])(
    'PADDING of %i bytes: the answer is as long as the request, not longer',
    (bytes) => {
      const asked = request(padding(bytes));
      const { length, message } = ask(asked);
      expect(length).toBeLessThanOrEqual(asked.length);
      expect(length).toBeGreaterThan(asked.length - 4);
      expect(findAttribute(message, BehaviorAttributeType.Padding)).toBeDefined();
    },
  );

  test.each([
    ['PADDING with RESPONSE-PORT', [padding(8), responsePort(5)], 400],
    ['RESPONSE-PORT 0', [responsePort(0)], 400],
    ['a CHANGE-REQUEST of another length', [{ type: 3, value: new Uint8Array(3) }], 400],
    ['an attribute that has to be understood', [{ type: 0x7fff, value: new Uint8Array() }], 420],
  ])('%s is refused, to the client itself', (_, attributes, code) => {
    const { message, from, to } = ask(request(...attributes), 3);
    expect(
      decodeErrorCode(findAttribute(message, StunAttributeType.ErrorCode) ?? new Uint8Array()).code,
    ).toBe(code);
    expect([from, to]).toEqual([3, client]);
  });
});

test('hostile bytes: no throw; an answer goes to the host that asked, and is short or no longer than the request', () => {
  const attribute = fc.record({
    type: fc.oneof(
      fc.constantFrom<number>(...Object.values(BehaviorAttributeType)),
      fc.nat(0xffff),
    ),
    value: fc.uint8Array({ maxLength: 40 }),
  });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.array(attribute, { maxLength: 8 }).map((attributes) => request(...attributes)),
  );
  fc.assert(
    fc.property(bytes, fc.constantFrom<BehaviorPlace>(0, 1, 2, 3), (hostile, at) => {
      const answer = behaviorAnswer(hostile, client, at, places);
      if (!answer) return;
      expect(answer.to.host).toBe(client.host);
      expect(answer.bytes.length).toBeLessThanOrEqual(Math.max(68, hostile.length));
      // What we say is nothing that we would answer: two servers cannot be made to talk for ever.
      expect(behaviorAnswer(answer.bytes, client, at, places)).toBeUndefined();
    }),
  );
});
