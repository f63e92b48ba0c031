import { ByteReader, ByteWriter, DecodeError, NetError } from '../base/index.ts';
import { decodeValues, encodeValues } from './rpc-values.ts';

/** docs/wire/rpc.md: first byte of every message of {@link Multiplayer}. */
const Command = { Rpc: 0, Bytes: 1, Auth: 2 } as const;

/** As in Godot, where the count is one byte. */
export const MAX_RPC_ARGUMENTS = 255;
/** One byte, too. */
export const MAX_RPCS = 256;

export type MultiplayerMessage =
  | {
      readonly type: 'rpc';
      readonly object: number;
      readonly index: number;
      /** Decodes the arguments; only after the caller was found to be allowed. @throws DecodeError */
      args(): unknown[];
    }
  | { readonly type: 'bytes'; readonly bytes: Uint8Array }
  /** Empty: the sender is satisfied. */
  | { readonly type: 'auth'; readonly bytes: Uint8Array };

/** Absent arguments at the end are left out. @throws NetError `RPC_ARGUMENTS` */
export function encodeRpc(object: number, index: number, given: readonly unknown[]): Uint8Array {
  const args = given.slice(0, given.findLastIndex((argument) => argument !== undefined) + 1);
  if (args.length > MAX_RPC_ARGUMENTS) {
    throw new NetError('RPC_ARGUMENTS', `an rpc takes at most ${MAX_RPC_ARGUMENTS} arguments`);
  }
  const writer = new ByteWriter(32).u8(Command.Rpc).u32be(object).u8(index).u8(args.length);
  encodeValues(writer, args);
  return writer.finish();
}

export function encodeBytes(type: 'bytes' | 'auth', bytes: Uint8Array): Uint8Array {
  const message = new Uint8Array(1 + bytes.length);
  message[0] = type === 'bytes' ? Command.Bytes : Command.Auth;
  message.set(bytes, 1);
  return message;
}

/** @throws DecodeError */
export function decodeMessage(message: Uint8Array): MultiplayerMessage {
  const reader = new ByteReader(message);
  switch (reader.u8('command')) {
    case Command.Rpc: {
      const object = reader.u32be('object');
      const index = reader.u8('rpc');
      const count = reader.u8('argument count');
      return { type: 'rpc', object, index, args: () => decodeValues(reader, count) };
    }
    case Command.Bytes:
      return { type: 'bytes', bytes: message.subarray(1) };
    case Command.Auth:
      return { type: 'auth', bytes: message.subarray(1) };
    default:
      throw new DecodeError('WIRE_MALFORMED', 'command', 0);
  }
}
