import { DecodeError, parseIp, printIp } from '../base/index.ts';
import type { IceCandidate, IceCandidateType } from './candidate.ts';
import { iceLimits } from './limits.ts';

const types: ReadonlySet<string> = new Set<IceCandidateType>(['host', 'srflx', 'prflx', 'relay']);
/** RFC 8839 §5.1 `foundation`, `component-id`, `transport`, `priority`. */
const iceChars = /^[A-Za-z0-9+/]{1,32}$/;
const mdnsName = /^[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*\.local$/;

/**
 * RFC 8839 §5.1, the value of `a=candidate`. `raddr` and `rport` are written only where `related` is
 * known, so GNS's form, which has neither, comes out of the same lines.
 */
export function encodeCandidate(candidate: IceCandidate): string {
  const { foundation, component, priority, host, port, type, related } = candidate;
  const text = `candidate:${foundation} ${component} udp ${priority} ${host} ${port} typ ${type}`;
  return related === undefined ? text : `${text} raddr ${related.host} rport ${related.port}`;
}

/**
 * `candidate:…`, with or without `a=`; what stands behind the type (generation, ufrag, network-id …)
 * is passed over. `undefined` for a well-formed one that UDP has no use for (TCP, RFC 6544).
 * @throws DecodeError
 */
export function decodeCandidate(text: string): IceCandidate | undefined {
  if (text.length > iceLimits.candidateChars) throw malformed('length');
  const words = text
    .trim()
    .replace(/^a=/, '')
    .replace(/^candidate:/, '')
    .split(/ +/);
  const [foundation = '', component = '', transport = '', priority = ''] = words;
  const [host = '', port = '', typ = '', type = ''] = words.slice(4);
  if (!iceChars.test(foundation)) throw malformed('foundation');
  if (typ !== 'typ' || !isType(type)) throw malformed('type');
  const candidate = {
    foundation,
    component: integer(component, 256, 'component'),
    priority: integer(priority, 2 ** 32 - 1, 'priority'),
    host: hostOf(host),
    port: integer(port, 65_535, 'port'),
    type,
    related: relatedOf(words.slice(8)),
  };
  if (transport.toLowerCase() !== 'udp') return undefined;
  if (candidate.port === 0) throw malformed('port');
  return candidate;
}

/** As {@link decodeCandidate}, with `undefined` also for what does not parse. */
export function tryDecodeCandidate(text: string): IceCandidate | undefined {
  try {
    return decodeCandidate(text);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** Whether the shell has to resolve the host by mDNS before it can be used. */
export function isMdnsName(host: string): boolean {
  return mdnsName.test(host);
}

function hostOf(text: string): string {
  const ip = parseIp(text);
  // In one spelling: addresses are compared as text.
  if (ip !== undefined) return printIp(ip);
  if (isMdnsName(text)) return text;
  throw malformed('address');
}

function relatedOf(words: readonly string[]): IceCandidate['related'] {
  const [raddr, host = '', rport, port = ''] = words;
  // For people only: a related address that is none (browsers write 0.0.0.0 0) is left out.
  if (raddr !== 'raddr' || rport !== 'rport' || parseIp(host) === undefined) return undefined;
  const number = Number(port);
  return Number.isInteger(number) && number > 0 && number < 65_536
    ? { host, port: number }
    : undefined;
}

function isType(text: string): text is IceCandidateType {
  return types.has(text);
}

function integer(text: string, max: number, what: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= max)) throw malformed(what);
  return value;
}

function malformed(what: string): DecodeError {
  return new DecodeError('WIRE_MALFORMED', `candidate: ${what}`, 0);
}
