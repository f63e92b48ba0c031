import { readFileSync } from 'node:fs';
import { nodeCrypto } from 'partyline/node';
import { decodeCert, encodeSignedCert } from 'partyline/protocol/cert';
import { UsageError } from './options.ts';

/** A certificate with the key that it is for. */
export interface CertifiedIdentity {
  readonly identity: string;
  readonly cert: Uint8Array;
  /** Ed25519 seed, 32 bytes. */
  readonly seed: Uint8Array;
}

/** Field 1 of CMsgSteamDatagramCertificateSigned, private_key_data, leads the blob: tag, length. */
const PRIVATE_KEY_TAG = 0x0a;
const SEED_BYTES = 32;
const KEY_BYTES = 32;

/**
 * The blob that GNS's SetCertificate takes, as bytes or base64: a signed certificate with its
 * private key in front.
 * @throws UsageError
 */
export function readCertificate(path: string): CertifiedIdentity {
  const blob = fromText(readFile('--cert', path));
  const keyLength = blob[1] ?? 0;
  const isKeyed = blob[0] === PRIVATE_KEY_TAG && (keyLength === SEED_BYTES || keyLength === 64);
  if (!isKeyed) {
    throw new UsageError(
      `${path} has no private key: --cert takes what GNS's SetCertificate takes, CMsgSteamDatagramCertificateSigned with private_key_data first.`,
    );
  }
  const seed = blob.slice(2, 2 + SEED_BYTES);
  try {
    // What goes over the wire is written anew, without the key.
    const { certBytes, cert, ca } = decodeCert(blob.slice(2 + keyLength));
    if (cert.identity === undefined)
      throw new UsageError(`The certificate in ${path} names nobody.`);
    if (!nodeCrypto.ed25519PublicKey(seed).every((byte, i) => cert.publicKey[i] === byte)) {
      throw new UsageError(`The private key in ${path} is not the certificate's.`);
    }
    return {
      identity: cert.identity,
      seed,
      cert: encodeSignedCert({ certBytes, ...(ca ? { ca } : {}) }),
    };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path} is not a certificate: ${String(error)}`);
  }
}

/** What {@link readCertificate} reads: the private key, then the certificate. */
export function joinCertificate(seed: Uint8Array, cert: Uint8Array): Uint8Array {
  return Uint8Array.from([PRIVATE_KEY_TAG, seed.length, ...seed, ...cert]);
}

/** As GNS's certtool prints it, and {@link readCaKey} reads it. */
export function printCaKey(publicKey: Uint8Array): string {
  const type = Buffer.from('ssh-ed25519', 'latin1');
  const sized = (bytes: Uint8Array): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  return `ssh-ed25519 ${Buffer.concat([sized(type), sized(publicKey)]).toString('base64')}`;
}

/**
 * A CA's public key: `ssh-ed25519 AAAA…` as GNS's certtool prints it, hex, or the name of a file
 * with either.
 * @throws UsageError
 */
export function readCaKey(text: string): Uint8Array {
  const key = parseCaKey(text) ?? parseCaKey(readFile('--ca', text).toString('latin1'));
  if (key !== undefined) return key;
  throw new UsageError(`--ca takes «ssh-ed25519 AAAA…», 64 hex digits, or a file with either.`);
}

function parseCaKey(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Uint8Array.from(Buffer.from(trimmed, 'hex'));
  const [, body = ''] = /^ssh-ed25519 ([A-Za-z0-9+/=]+)/.exec(trimmed) ?? [];
  const blob = Buffer.from(body, 'base64');
  // RFC 8709 §4: string "ssh-ed25519", string key.
  const isKey = blob.length === 19 + KEY_BYTES && blob.toString('latin1', 4, 15) === 'ssh-ed25519';
  return isKey ? Uint8Array.from(blob.subarray(19)) : undefined;
}

function readFile(flag: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${flag}: ${path} cannot be read (${why}).`);
  }
}

/** Bytes that are all base64 are taken for base64: a blob begins with a line feed, then a control code. */
function fromText(bytes: Buffer): Uint8Array {
  const text = bytes.toString('latin1');
  const isBase64 = /^[A-Za-z0-9+/\s]+=*\s*$/.test(text);
  return Uint8Array.from(isBase64 ? Buffer.from(text, 'base64') : bytes);
}
