import { DecodeError } from '../../base/index.ts';
import {
  decodeMappedAddress,
  findAttribute,
  StunAttributeType,
  type StunMessage,
} from '../../stun/index.ts';
import type { TurnServerAddress } from './carrier.ts';

/** Longest domain name: RFC 1035 §2.3.4. */
const MAX_DOMAIN_BYTES = 255;

/**
 * Where error 300 sends us: RFC 8489 §10. The certificate there has to be for ALTERNATE-DOMAIN, else
 * for the name that was asked for in the first place. `undefined`: it does not say, or does not parse.
 */
export function alternateServer(
  message: StunMessage,
  from: TurnServerAddress,
): TurnServerAddress | undefined {
  const value = findAttribute(message, StunAttributeType.AlternateServer);
  if (!value) return undefined;
  try {
    const { host, port } = decodeMappedAddress(value);
    const named = findAttribute(message, StunAttributeType.AlternateDomain);
    const domain = named ? domainOf(named) : (from.domain ?? from.host);
    return port === 0 || domain === undefined ? undefined : { host, port, domain };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function domainOf(bytes: Uint8Array): string | undefined {
  const text = String.fromCharCode(...bytes.subarray(0, MAX_DOMAIN_BYTES + 1));
  const isName =
    bytes.length <= MAX_DOMAIN_BYTES && /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text);
  return isName ? text : undefined;
}
