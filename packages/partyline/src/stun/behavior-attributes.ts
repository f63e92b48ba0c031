import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';
import type { StunAttribute } from './message.ts';

/** RFC 5780 §7. A server without two addresses does not know them. */
export const BehaviorAttributeType = {
  ChangeRequest: 0x0003,
  Padding: 0x0026,
  ResponsePort: 0x0027,
  ResponseOrigin: 0x802b,
  OtherAddress: 0x802c,
} as const;

/** From where the answer is to come: RFC 5780 §7.2. */
export interface ChangeRequest {
  readonly otherAddress: boolean;
  readonly otherPort: boolean;
}

const OTHER_ADDRESS_FLAG = 4;
const OTHER_PORT_FLAG = 2;

/** RFC 5780 §7.2. */
export function changeRequest({ otherAddress, otherPort }: ChangeRequest): StunAttribute {
  const flags = (otherAddress ? OTHER_ADDRESS_FLAG : 0) | (otherPort ? OTHER_PORT_FLAG : 0);
  return {
    type: BehaviorAttributeType.ChangeRequest,
    value: new ByteWriter(4).u32be(flags).finish(),
  };
}

/** Bits that have no meaning are not looked at. @throws DecodeError on a wrong length */
export function decodeChangeRequest(value: Uint8Array): ChangeRequest {
  const flags = exactly(4, value, 'CHANGE-REQUEST').u32be();
  return {
    otherAddress: (flags & OTHER_ADDRESS_FLAG) !== 0,
    otherPort: (flags & OTHER_PORT_FLAG) !== 0,
  };
}

/** RFC 5780 §7.5; clients send it with two bytes of padding inside, or without. @throws DecodeError */
export function decodeResponsePort(value: Uint8Array): number {
  const reader = exactly(value.length === 4 ? 4 : 2, value, 'RESPONSE-PORT');
  return reader.u16be();
}

/** RFC 5780 §7.5. */
export function responsePort(port: number): StunAttribute {
  return {
    type: BehaviorAttributeType.ResponsePort,
    value: new ByteWriter(4).u16be(port).u16be(0).finish(),
  };
}

/** RFC 5780 §7.6: nothing but length. */
export function padding(bytes: number): StunAttribute {
  return { type: BehaviorAttributeType.Padding, value: new Uint8Array(bytes) };
}

function exactly(length: number, value: Uint8Array, what: string): ByteReader {
  if (value.length !== length) throw new DecodeError('WIRE_MALFORMED', `length of ${what}`, 0);
  return new ByteReader(value);
}
