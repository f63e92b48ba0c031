import {
  ByteReader,
  DecodeError,
  decodeProtobuf,
  fromUtf8,
  type ProtobufField,
} from '../../base/index.ts';

/** Bytes of a signed certificate; ours have about 160, GNS's own at most a few hundred. */
export const MAX_CERT_BYTES = 1024;
/** `k_cchMaxString` of SteamNetworkingIdentity, less its NUL: UTF-8 bytes of an identity string. */
export const MAX_IDENTITY_BYTES = 127;
/** App ids that one certificate can name. */
export const MAX_CERT_APP_IDS = 64;
/** Data centers that one certificate can name. */
export const MAX_CERT_POP_IDS = 64;
/** `CMsgSteamDatagramCertificate.key_type`: the one that exists. */
export const KEY_TYPE_ED25519 = 1;

/** What a certificate says: CMsgSteamDatagramCertificate, as far as we use it (docs/wire/cert.md). */
export interface Cert {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** `str:…` and its kin; absent in a certificate without identity. */
  readonly identity?: string;
  /** GNS compares these with its own app id; 0 is what stock GNS has. */
  readonly appIds: readonly number[];
  /** Data centers (GNS: points of presence) it is good for; absent for all. */
  readonly popIds?: readonly number[];
  /** Seconds since 1970; absent in GNS's self-made ones. */
  readonly timeCreatedSec?: number;
  /** Seconds since 1970; absent in GNS's self-made ones. */
  readonly timeExpirySec?: number;
}

/** CMsgSteamDatagramCertificateSigned. */
export interface SignedCert {
  /** Exactly what was signed: signatures and key derivation are over these bytes, never a re-encoding. */
  readonly certBytes: Uint8Array;
  readonly cert: Cert;
  /** Absent when nobody signed it. */
  readonly ca?: { readonly keyId: bigint; readonly signature: Uint8Array };
}

/** @throws DecodeError on anything malformed, over a limit, or half signed. Unknown fields are skipped. */
export function decodeCert(bytes: Uint8Array): SignedCert {
  if (bytes.length > MAX_CERT_BYTES) throw malformed(`certificate over ${MAX_CERT_BYTES} bytes`);
  const fields = decodeProtobuf(bytes.slice());
  const certBytes = single(fields, 4, 'bytes');
  const keyId = single(fields, 5, 'fixed64');
  const signature = single(fields, 6, 'bytes');
  if (certBytes === undefined) throw malformed('signed certificate without certificate');
  const cert = decodeInner(certBytes);
  if (keyId === undefined && signature === undefined) return { certBytes, cert };
  if (keyId === undefined || signature?.length !== 64) throw malformed('CA signature');
  return { certBytes, cert, ca: { keyId, signature } };
}

function decodeInner(bytes: Uint8Array): Cert {
  const fields = decodeProtobuf(bytes);
  if (single(fields, 1, 'varint') !== KEY_TYPE_ED25519) throw malformed('key type');
  const publicKey = single(fields, 2, 'bytes');
  if (publicKey?.length !== 32) throw malformed('public key');
  const identity = single(fields, 12, 'bytes');
  const timeCreatedSec = single(fields, 8, 'fixed32');
  const timeExpirySec = single(fields, 9, 'fixed32');
  const popIds = decodePopIds(fields);
  return {
    publicKey,
    ...(identity === undefined ? {} : { identity: decodeIdentity(identity) }),
    appIds: decodeAppIds(fields),
    ...(popIds.length === 0 ? {} : { popIds }),
    ...(timeCreatedSec === undefined ? {} : { timeCreatedSec }),
    ...(timeExpirySec === undefined ? {} : { timeExpirySec }),
  };
}

function decodeIdentity(bytes: Uint8Array): string {
  if (bytes.length > MAX_IDENTITY_BYTES) throw malformed('identity is too long');
  try {
    return fromUtf8(bytes);
  } catch {
    throw malformed('identity is not UTF-8');
  }
}

/** Written one by one (proto2); a parser must take the packed form as well. */
function decodeAppIds(fields: readonly ProtobufField[]): number[] {
  const ids: number[] = [];
  for (const field of fields) {
    if (field.number !== 10) continue;
    if (field.type === 'varint') ids.push(field.value);
    else if (field.type === 'bytes') {
      for (const reader = new ByteReader(field.value); reader.remaining > 0; ) {
        ids.push(reader.varint('app id'));
      }
    } else throw malformed('app id');
  }
  if (ids.length > MAX_CERT_APP_IDS) throw malformed(`over ${MAX_CERT_APP_IDS} app ids`);
  return ids;
}

/** As {@link decodeAppIds}, four bytes each. */
function decodePopIds(fields: readonly ProtobufField[]): number[] {
  const ids: number[] = [];
  for (const field of fields) {
    if (field.number !== 5) continue;
    if (field.type === 'fixed32') ids.push(field.value);
    else if (field.type === 'bytes') {
      for (const reader = new ByteReader(field.value); reader.remaining > 0; ) {
        ids.push(reader.u32le());
      }
    } else throw malformed('data center');
  }
  if (ids.length > MAX_CERT_POP_IDS) throw malformed(`over ${MAX_CERT_POP_IDS} data centers`);
  return ids;
}

/** {@link ProtobufField} as a map from its type to its value. */
interface FieldValues {
  varint: number;
  fixed32: number;
  fixed64: bigint;
  bytes: Uint8Array;
}

/**
 * The field's value, `undefined` when absent. Twice is refused: protobuf would take the last, and
 * two readers that differ on it would see two certificates.
 */
function single<T extends keyof FieldValues>(
  fields: readonly ProtobufField[],
  number: number,
  type: T,
): FieldValues[T] | undefined {
  let value: FieldValues[T] | undefined;
  for (const field of fields) {
    if (field.number !== number) continue;
    if (value !== undefined || field.type !== type) throw malformed(`field ${number}`);
    // The type was just compared; TypeScript does not narrow a union by a type parameter.
    value = field.value as FieldValues[T];
  }
  return value;
}

function malformed(what: string): DecodeError {
  return new DecodeError('WIRE_MALFORMED', what, 0);
}
