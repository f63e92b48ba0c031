import { DecodeError } from '../base/index.ts';
import {
  errorCode,
  findAttribute,
  isComprehensionRequired,
  plainAddress,
  type StunAddress,
  StunAttributeType,
  unknownAttributes,
  xorMappedAddress,
} from './attributes.ts';
import {
  BehaviorAttributeType,
  decodeChangeRequest,
  decodeResponsePort,
  padding,
} from './behavior-attributes.ts';
import { readBindingRequest } from './binding.ts';
import { encodeStun, type StunAttribute, StunClass, type StunMessage } from './message.ts';

/**
 * The four places that a behaviour server hears at and answers from: RFC 5780 §6. The bits of its
 * index: 1 the second port, 2 the second address.
 */
export type BehaviorPlace = 0 | 1 | 2 | 3;

export interface BehaviorAnswer {
  readonly bytes: Uint8Array;
  /** Where it has to be sent from. */
  readonly from: BehaviorPlace;
  /** Where it goes: the host that asked, at its own or the port that it named. */
  readonly to: StunAddress;
}

const understood: ReadonlySet<number> = new Set<number>([
  ...Object.values(StunAttributeType),
  ...Object.values(BehaviorAttributeType),
]);

const ATTRIBUTE_HEADER_BYTES = 4;

/**
 * A behaviour server (RFC 5780 §6.1) without state, as one function: the answer to a Binding request
 * that was heard at one of the four places. `undefined` for everything else.
 *
 * So that forged requests gain little: the answer goes to the host that asked and to nobody else, one
 * for each request, and PADDING makes it no longer than the request. How often is the caller's to limit.
 */
export function behaviorAnswer(
  request: Uint8Array,
  from: StunAddress,
  at: BehaviorPlace,
  places: readonly [StunAddress, StunAddress, StunAddress, StunAddress],
): BehaviorAnswer | undefined {
  const message = readBindingRequest(request);
  if (!message) return undefined;
  const unknown = new Set(
    message.attributes
      .map(({ type }) => type)
      .filter((type) => isComprehensionRequired(type) && !understood.has(type)),
  );
  if (unknown.size > 0) return refusal(message, 420, from, at, unknownAttributes(unknown));
  const wish = readWish(message);
  if (!wish) return refusal(message, 400, from, at);
  const { place, port } = { place: turned(at, wish.change), port: wish.port ?? from.port };
  const { transactionId, method } = message;
  const attributes: StunAttribute[] = [
    xorMappedAddress(from, transactionId),
    plainAddress(StunAttributeType.MappedAddress, from), // §3.5: a NAT that rewrites it is found out
    plainAddress(BehaviorAttributeType.ResponseOrigin, places[place]),
    plainAddress(BehaviorAttributeType.OtherAddress, places[turned(at, both)]),
  ];
  const plain = encodeStun({ class: StunClass.Success, method, transactionId, attributes });
  const room = request.length - plain.length - ATTRIBUTE_HEADER_BYTES;
  const bytes =
    wish.isPadded && room > 0
      ? encodeStun({
          class: StunClass.Success,
          method,
          transactionId,
          attributes: [...attributes, padding(room & ~3)],
        })
      : plain;
  return { bytes, from: place, to: { host: from.host, port } };
}

const both = { otherAddress: true, otherPort: true };

interface Wish {
  readonly change: { readonly otherAddress: boolean; readonly otherPort: boolean };
  readonly port: number | undefined;
  readonly isPadded: boolean;
}

/** `undefined`: a bad request. RFC 5780 §6.1: PADDING and RESPONSE-PORT together are one. */
function readWish(message: StunMessage): Wish | undefined {
  const change = findAttribute(message, BehaviorAttributeType.ChangeRequest);
  const port = findAttribute(message, BehaviorAttributeType.ResponsePort);
  const isPadded = findAttribute(message, BehaviorAttributeType.Padding) !== undefined;
  if (isPadded && port) return undefined;
  try {
    const wished = port && decodeResponsePort(port);
    if (wished === 0) return undefined; // nobody can be answered there
    return {
      change: change ? decodeChangeRequest(change) : { otherAddress: false, otherPort: false },
      port: wished,
      isPadded,
    };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** RFC 5780 §6.1, table 1. */
function turned(
  at: BehaviorPlace,
  { otherAddress, otherPort }: { readonly otherAddress: boolean; readonly otherPort: boolean },
): BehaviorPlace {
  // The two lowest bits of two numbers under 4.
  return (at ^ ((otherAddress ? 2 : 0) | (otherPort ? 1 : 0))) as BehaviorPlace;
}

function refusal(
  { method, transactionId }: StunMessage,
  code: number,
  to: StunAddress,
  from: BehaviorPlace,
  ...more: StunAttribute[]
): BehaviorAnswer {
  const attributes = [errorCode({ code, reason: '' }), ...more];
  const bytes = encodeStun({ class: StunClass.Error, method, transactionId, attributes });
  return { bytes, from, to };
}
