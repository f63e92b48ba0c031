import { ByteReader, ByteWriter, DecodeError, printIp, utf8 } from '../base/index.ts';
import { iceLimits } from './limits.ts';

/** RFC 6762 §3. */
export const MDNS_PORT = 5353;
export const MDNS_GROUP = '224.0.0.251';

const RecordType = { A: 1, Aaaa: 28 } as const;
const CLASS_INTERNET = 1;
/** RFC 6762 §5.4: the answer may come to us alone. */
const UNICAST_WELCOME = 0x8000;
const RESPONSE = 0x8000;
/** RFC 1035 §2.3.4 and §3.1. */
const MAX_LABEL_BYTES = 63;
const MAX_LABELS = 128;
const POINTER = 0xc0;

/** An address that a name has, as an answer tells. */
export interface MdnsAddress {
  /** Lower case. */
  readonly name: string;
  readonly host: string;
}

/** Asks for both kinds of addresses of a name in `.local`. */
export function encodeMdnsQuery(name: string): Uint8Array {
  const writer = new ByteWriter().u16be(0).u16be(0).u16be(2).u16be(0).u16be(0).u16be(0);
  for (const type of [RecordType.A, RecordType.Aaaa]) {
    for (const label of name.split('.')) {
      const bytes = utf8(label);
      writer.u8(Math.min(bytes.length, MAX_LABEL_BYTES)).bytes(bytes.subarray(0, MAX_LABEL_BYTES));
    }
    writer
      .u8(0)
      .u16be(type)
      .u16be(CLASS_INTERNET | UNICAST_WELCOME);
  }
  return writer.finish();
}

/** Every address in a response; none in a query. @throws DecodeError */
export function decodeMdnsAddresses(bytes: Uint8Array): MdnsAddress[] {
  const reader = new ByteReader(bytes);
  reader.u16be('id');
  const flags = reader.u16be('flags');
  if ((flags & RESPONSE) === 0) return [];
  const questions = reader.u16be('questions');
  const records =
    reader.u16be('answers') + reader.u16be('authorities') + reader.u16be('additional');
  if (questions + records > iceLimits.mdnsRecords) {
    throw new DecodeError('WIRE_MALFORMED', 'record count', 4);
  }
  for (let i = 0; i < questions; i++) {
    readName(bytes, reader);
    reader.bytes(4, 'question');
  }
  const found: MdnsAddress[] = [];
  for (let i = 0; i < records; i++) {
    const name = readName(bytes, reader);
    const type = reader.u16be('type');
    reader.bytes(6, 'class and lifetime');
    const value = reader.bytes(reader.u16be('length'), 'value');
    const isAddress =
      (type === RecordType.A && value.length === 4) ||
      (type === RecordType.Aaaa && value.length === 16);
    if (isAddress) found.push({ name, host: printIp(value) });
  }
  return found;
}

/** RFC 1035 §4.1.4; pointers lead only backwards, so that no loop is possible. */
function readName(message: Uint8Array, reader: ByteReader): string {
  const labels: string[] = [];
  let at = reader;
  let limit = reader.offset;
  for (let count = 0; count < MAX_LABELS; count++) {
    const length = at.u8('label length');
    if (length === 0) return labels.join('.').toLowerCase();
    if (length < POINTER) {
      if (length > MAX_LABEL_BYTES) throw new DecodeError('WIRE_MALFORMED', 'label', at.offset);
      labels.push(String.fromCharCode(...at.bytes(length, 'label')));
      continue;
    }
    const target = ((length & ~POINTER) << 8) | at.u8('pointer');
    if (target >= limit) throw new DecodeError('WIRE_MALFORMED', 'pointer', at.offset);
    limit = target;
    at = new ByteReader(message.subarray(target));
  }
  throw new DecodeError('WIRE_MALFORMED', 'name', reader.offset);
}
