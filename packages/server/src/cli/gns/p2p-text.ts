import type { Rendezvous } from 'partyline/protocol/gns';
import {
  findAttribute,
  StunAttributeType,
  StunClass,
  type StunMessage,
} from 'partyline/protocol/stun';

const stunClasses: Readonly<Record<number, string>> = {
  [StunClass.Request]: 'request',
  [StunClass.Indication]: 'indication',
  [StunClass.Success]: 'success',
  [StunClass.Error]: 'error',
};
/** RFC 8445 §16.1. */
const USE_CANDIDATE = 0x0025;

/** A STUN message in words: ICE's checks carry a USERNAME, questions to servers none. */
export function describeStun(message: StunMessage): string {
  const { class: kind, method, attributes } = message;
  const user = findAttribute(message, StunAttributeType.Username);
  const parts = [`STUN ${method === 1 ? 'binding' : `method ${method}`} ${stunClasses[kind]}`];
  if (user !== undefined) parts.push(`for ${JSON.stringify(new TextDecoder().decode(user))}`);
  if (attributes.some(({ type }) => type === USE_CANDIDATE)) parts.push('nominating');
  return parts.join(' ');
}

/** A signal in words: who to whom, what it asks or answers, and its reliable messages. */
export function describeSignal(signal: Rendezvous): string {
  const { connectRequest, connectOk, connectionClosed, messages, first, acked } = signal;
  const parts = [`from ${signal.from} #${signal.fromConnectionId} to #${signal.toConnectionId}`];
  if (connectRequest !== undefined) {
    parts.push(`ConnectRequest to virtual port ${connectRequest.toVirtualPort ?? '?'}`);
  }
  if (connectOk !== undefined) parts.push('ConnectOk');
  if (connectionClosed !== undefined) {
    const { reason, debug } = connectionClosed;
    parts.push(`ConnectionClosed, reason ${reason} ${JSON.stringify(debug)}`);
  }
  for (const [i, message] of messages.entries()) {
    // The password of a connection's checks is no secret to who reads its signals.
    const text = message.type === 'candidate' ? ` ${JSON.stringify(message.text)}` : '';
    parts.push(`message ${first + i}: ${message.type}${text}`);
  }
  if (acked !== 0) parts.push(`has message ${acked}`);
  return parts.join(' | ');
}
