import { DecodeError, deferred, NetError, orAborted } from '../../base/index.ts';
import {
  decodeXorMappedAddress,
  findAttribute,
  type StunAddress,
  type StunAttribute,
  StunAttributeType,
  type StunMessage,
} from '../../stun/index.ts';
import {
  AddressFamily,
  addressFamily,
  lifetime,
  requestedTransport,
  TurnAttributeType,
} from '../attributes.ts';
import { TRANSPORT_UDP, TurnErrorCode, TurnMethod } from '../methods.ts';
import { lifetimeOf, TurnAllocation, type TurnGrant } from './allocation.ts';
import { alternateServer } from './alternate-server.ts';
import type { TurnServerAddress } from './carrier.ts';
import { TurnConnection } from './connection.ts';
import {
  type ResolvedTurnClientOptions,
  resolveTurnClientOptions,
  type TurnClientOptions,
} from './options.ts';
import type { TurnOutcome } from './requests.ts';

/** How long an answer by UDP is waited for that is not wanted any more. */
const LINGER_MS = 2000;

/**
 * Gets relayed addresses from a TURN server: RFC 8656 §7. Follows redirects (RFC 8489 §10), and asks
 * once more over a new connection when the server still has an allocation for ours (437).
 *
 * Always ends: with an allocation, or by rejecting with a NetError `TURN_…`, or the signal's reason.
 * @throws NetError `OPTIONS_INVALID`
 */
export async function allocateTurn(options: TurnClientOptions): Promise<TurnAllocation> {
  const resolved = resolveTurnClientOptions(options);
  options.signal?.throwIfAborted();
  const attempt = new AbortController();
  const late = new NetError('TURN_UNREACHABLE', `no allocation within ${resolved.timeoutMs} ms`);
  const cancel = resolved.scheduler.after(resolved.timeoutMs, () => attempt.abort(late));
  const abort = (): void => attempt.abort(options.signal?.reason);
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    return await orAborted(allocate(resolved, attempt.signal), attempt.signal);
  } finally {
    cancel();
    options.signal?.removeEventListener('abort', abort);
  }
}

async function allocate(
  options: ResolvedTurnClientOptions,
  signal: AbortSignal,
): Promise<TurnAllocation> {
  const asked = new Set<string>();
  let server: TurnServerAddress = options.server;
  let isFresh = false;
  for (;;) {
    const connection = await TurnConnection.open(options, server, signal);
    const outcome = await askOver(connection, options, signal);
    if (outcome.type === 'success') {
      const grant = readGrant(outcome.message, server);
      const allocation = grant && new TurnAllocation(options, connection, grant);
      if (signal.aborted) {
        await allocation?.close(); // nobody waits for it any more, and it counts against a quota
        throw signal.reason;
      }
      if (allocation) return allocation;
      throw ended(connection, new NetError('TURN_REFUSED', 'the relay gave no address'));
    }
    ended(connection, outcome.error);
    if (outcome.type === 'failed') throw outcome.error;
    asked.add(keyOf(server));
    if (outcome.code === TurnErrorCode.TryAlternate) {
      const next = alternateServer(outcome.message, server);
      const isNew = next !== undefined && !asked.has(keyOf(next));
      if (!isNew || asked.size > options.limits.redirects) throw outcome.error;
      server = next;
    } else if (outcome.code === TurnErrorCode.AllocationMismatch && !isFresh) {
      isFresh = true;
    } else throw outcome.error;
  }
}

async function askOver(
  connection: TurnConnection,
  options: ResolvedTurnClientOptions,
  signal: AbortSignal,
): Promise<TurnOutcome> {
  const { promise, resolve } = deferred<TurnOutcome>();
  const givenUp = new NetError('TURN_CLOSED', 'given up');
  let cancel = (): void => {};
  const abort = (): void => {
    // A stream's end frees what the server has made for it. By UDP we wait for it, to free it ourselves.
    const lingerMs = connection.isDatagram ? LINGER_MS : 0;
    cancel = options.scheduler.after(lingerMs, () => connection.close(givenUp));
  };
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const attributes = attributesOf(options);
  connection.requests.ask({
    method: TurnMethod.Allocate,
    attributesOf: () => attributes,
    onEnd: resolve,
  });
  const outcome = await promise;
  cancel();
  signal.removeEventListener('abort', abort);
  return outcome;
}

function ended(connection: TurnConnection, error: NetError): NetError {
  connection.close(error);
  return error;
}

/** RFC 8656 §7.1. */
function attributesOf({ families, lifetimeSec }: ResolvedTurnClientOptions): StunAttribute[] {
  const attributes = [requestedTransport(TRANSPORT_UDP)];
  if (lifetimeSec !== undefined) attributes.push(lifetime(lifetimeSec));
  const { RequestedAddressFamily, AdditionalAddressFamily } = TurnAttributeType;
  // Servers older than RFC 6156 give IPv4 and do not know the attribute: it is left out for that.
  if (families === 'ipv6') {
    attributes.push(addressFamily(RequestedAddressFamily, AddressFamily.Ipv6));
  } else if (families === 'both') {
    const additional = addressFamily(AdditionalAddressFamily, AddressFamily.Ipv6);
    attributes.push(additional);
    // coturn 4.6 knows it by its number in the draft alone; unknown ones of 0x8000 and up are ignored.
    attributes.push({ ...additional, type: TurnAttributeType.DraftAdditionalAddressFamily });
  }
  return attributes;
}

/** RFC 8656 §7.3; `undefined` when there is no relayed address in it. */
function readGrant(message: StunMessage, server: StunAddress): TurnGrant | undefined {
  const { transactionId, attributes } = message;
  try {
    const relayed = attributes
      .filter(({ type }) => type === TurnAttributeType.XorRelayedAddress)
      .map(({ value }) => decodeXorMappedAddress(value, transactionId));
    const seen = findAttribute(message, StunAttributeType.XorMappedAddress);
    const mapped = seen && decodeXorMappedAddress(seen, transactionId);
    if (relayed.length === 0) return undefined;
    const { host, port } = server;
    const lifetimeSec = lifetimeOf(message);
    return { relayed, mapped, lifetimeSec, server: { host, port } };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function keyOf({ host, port }: TurnServerAddress): string {
  return `${host} ${port}`;
}
