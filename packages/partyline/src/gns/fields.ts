import { DecodeError, decodeProtobuf, fromUtf8, type ProtobufField } from '../base/index.ts';

/** {@link ProtobufField} as a map from its type to its value. */
interface FieldValues {
  varint: number;
  fixed32: number;
  fixed64: bigint;
  bytes: Uint8Array;
}

/** A protobuf message by field number. As in protobuf the last of several wins. */
export class Fields {
  readonly #fields: readonly ProtobufField[];

  /** @throws DecodeError */
  constructor(bytes: Uint8Array) {
    this.#fields = decodeProtobuf(bytes);
  }

  /** `undefined` when absent. @throws DecodeError when it has another type. */
  get<T extends keyof FieldValues>(number: number, type: T): FieldValues[T] | undefined {
    for (let at = this.#fields.length - 1; at >= 0; at--) {
      const field = this.#fields[at];
      if (field?.number !== number) continue;
      if (field.type !== type) throw new DecodeError('WIRE_MALFORMED', `field ${number}`, 0);
      // The type was just compared; TypeScript does not narrow a union by a type parameter.
      return field.value as FieldValues[T];
    }
    return undefined;
  }

  /** @throws DecodeError when absent, or of another type. */
  need<T extends keyof FieldValues>(number: number, type: T): FieldValues[T] {
    const value = this.get(number, type);
    if (value === undefined) throw new DecodeError('WIRE_TRUNCATED', `field ${number}`, 0);
    return value;
  }

  /** UTF-8; `undefined` when absent. */
  text(number: number, maxBytes: number): string | undefined {
    const bytes = this.get(number, 'bytes');
    if (bytes === undefined) return undefined;
    if (bytes.length > maxBytes) {
      throw new DecodeError('WIRE_MALFORMED', `field ${number} is too long`, 0);
    }
    try {
      return fromUtf8(bytes);
    } catch {
      throw new DecodeError('WIRE_MALFORMED', `field ${number} is not UTF-8`, 0);
    }
  }

  /** Every value of a repeated message. @throws DecodeError when one has another type. */
  messages(number: number): Uint8Array[] {
    return this.#fields
      .filter((field) => field.number === number)
      .map((field) => {
        if (field.type === 'bytes') return field.value;
        throw new DecodeError('WIRE_MALFORMED', `field ${number}`, 0);
      });
  }

  /** Every value of a repeated number, written one by one or packed. */
  numbers(number: number): number[] {
    const values: number[] = [];
    for (const field of this.#fields) {
      if (field.number !== number) continue;
      if (field.type === 'varint') values.push(field.value);
      else if (field.type === 'bytes') values.push(...unpack(field.value));
    }
    return values;
  }
}

/** Packed varints of one byte each: all that a list of ciphers ever holds. */
function unpack(bytes: Uint8Array): number[] {
  if (bytes.some((byte) => byte >= 0x80)) {
    throw new DecodeError('WIRE_MALFORMED', 'packed number', 0);
  }
  return [...bytes];
}
