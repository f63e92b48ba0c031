import {
  errorCode,
  isComprehensionRequired,
  type StunAddress,
  StunAttributeType,
  unknownAttributes,
  xorMappedAddress,
} from './attributes.ts';
import { checkFingerprint } from './fingerprint.ts';
import { BINDING_METHOD, encodeStun, readStun, StunClass, type StunMessage } from './message.ts';

/** Known types may stand in a request; the server needs none of them (RFC 8489 §6.3.1). */
const understood: ReadonlySet<number> = new Set(Object.values(StunAttributeType));

/**
 * A STUN server without state or authentication, as one function: the answer to a Binding request,
 * which tells the client what address it has. `undefined` for everything else: such a datagram gets
 * no answer, so that nobody can be made to talk to a third party by indications or responses.
 *
 * 32 bytes over IPv4, 44 over IPv6, so that a forged sender address gains next to nothing; an
 * attribute we would have to understand and do not gets error 420 (§6.3.1).
 * @throws NetError `OPTIONS_INVALID` when `from` is not an IP address.
 */
export function bindingResponse(request: Uint8Array, from: StunAddress): Uint8Array | undefined {
  const message = readBindingRequest(request);
  if (!message) return undefined;
  const unknown = new Set(
    message.attributes
      .map((attribute) => attribute.type)
      .filter((type) => isComprehensionRequired(type) && !understood.has(type)),
  );
  const { method, transactionId } = message;
  if (unknown.size > 0) {
    // No reason phrase: it is for people, and this answer must stay small.
    const attributes = [errorCode({ code: 420, reason: '' }), unknownAttributes(unknown)];
    return encodeStun({ class: StunClass.Error, method, transactionId, attributes });
  }
  const attributes = [xorMappedAddress(from, transactionId)];
  return encodeStun({ class: StunClass.Success, method, transactionId, attributes });
}

/** `undefined` for everything that is no well-formed Binding request. */
export function readBindingRequest(bytes: Uint8Array): StunMessage | undefined {
  const message = readStun(bytes);
  if (message?.class !== StunClass.Request || message.method !== BINDING_METHOD) return undefined;
  return isFingerprintFine(bytes, message) ? message : undefined;
}

/** RFC 8489 §14.7: FINGERPRINT is optional; when there it is right, and last. */
function isFingerprintFine(bytes: Uint8Array, message: StunMessage): boolean {
  const isThere = message.attributes.some(({ type }) => type === StunAttributeType.Fingerprint);
  return !isThere || checkFingerprint(bytes) === true;
}
