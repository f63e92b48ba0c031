import { NetError } from '../base/index.ts';
import type { PeerId, TransferMode } from './multiplayer-peer.ts';
import type { SendableProperty } from './rpc-values.ts';

/** Who may call: Godot's `RPCMode`. */
export type RpcMode = 'authority' | 'anyPeer' | 'disabled';

/** What a handler knows of the call besides its arguments. */
export interface RpcContext {
  /** Who called; your own id in a local call. Godot's `get_remote_sender_id()`. */
  readonly remoteSender: PeerId;
}

/** Godot's rpc configuration, with its defaults. */
export interface RpcConfig {
  /** Default `authority`: only the object's authority may call it. */
  readonly mode?: RpcMode | undefined;
  /** Default `reliable`. */
  readonly transferMode?: TransferMode | undefined;
  /** Also run it here when it is called for others or for yourself. Default false. */
  readonly callLocal?: boolean | undefined;
  /** 0 to 255. Default 0. */
  readonly channel?: number | undefined;
}

export const rpcDefaults: Required<{ [K in keyof RpcConfig]: NonNullable<RpcConfig[K]> }> =
  Object.freeze({ mode: 'authority', transferMode: 'reliable', callLocal: false, channel: 0 });

/** Arguments of which each can be sent. */
export type SendableArguments<A> = { [K in keyof A]: SendableProperty<A[K]> };

/** What {@link rpc} gives: for arguments that cannot be sent something that no object takes. */
export type RpcOf<A extends readonly unknown[]> = [A] extends [SendableArguments<A>]
  ? Rpc<A>
  : { readonly error: 'an argument of this rpc cannot be sent' };

export type RpcHandler<A extends readonly unknown[]> = (context: RpcContext, ...args: A) => void;

/** One rpc of an object; made by {@link rpc}. */
export interface Rpc<A extends readonly unknown[]> {
  readonly config: typeof rpcDefaults;
  readonly handler: RpcHandler<A>;
  /** Gives `A`; typed wider, or no rpc with arguments would fit {@link RpcDefinitions}. */
  readonly validate: ((args: readonly unknown[]) => readonly unknown[]) | undefined;
}

/** The rpcs of one kind of object. */
export type RpcDefinitions = Readonly<Record<string, Rpc<never>>>;

export type RpcArguments<R> = R extends Rpc<infer A> ? A : never;

/**
 * Defines an rpc. The compiler checks its name and arguments at every call; it cannot check what
 * another program sends, so give `validate` where a wrong argument could do harm: it returns the
 * arguments, or throws and the call is dropped.
 */
export function rpc<A extends readonly unknown[]>(
  config: RpcConfig & { readonly validate?: ((args: readonly unknown[]) => A) | undefined },
  handler: RpcHandler<A>,
): RpcOf<A> {
  const { validate, ...given } = config;
  const defined = Object.entries(given).filter(([, value]) => value !== undefined);
  const resolved = { ...rpcDefaults, ...Object.fromEntries(defined) };
  const { channel } = resolved;
  if (!(Number.isInteger(channel) && channel >= 0 && channel <= 255)) {
    throw new NetError('OPTIONS_INVALID', `channel is 0 to 255, not ${channel}`);
  }
  const made: Rpc<A> = { config: resolved, handler, validate };
  return made as RpcOf<A>; // the other case does not compile where it is used
}

/**
 * What host and clients must have in common, as a short text: names and configuration of the rpcs
 * of each kind of object. Pass it as `schema` where the peer is opened, and a client of another
 * version is refused before play, with a reason.
 */
export function rpcSchema(kinds: Readonly<Record<string, RpcDefinitions>>): string {
  const text = Object.keys(kinds)
    .sort()
    .map((kind) => `${JSON.stringify(kind)}${signature(kinds[kind] ?? {})}`)
    .join('\n');
  return hash(text, 0x811c9dc5) + hash(text, 0x01000193);
}

/** Identifies an object and its rpcs on the wire: of another definition, it is another object. */
export function objectId(path: string, definitions: RpcDefinitions): number {
  return Number.parseInt(hash(`${path}\n${signature(definitions)}`, 0x811c9dc5), 16);
}

/** Godot numbers rpcs by their sorted names. */
export function sortedNames(definitions: RpcDefinitions): string[] {
  return Object.keys(definitions).sort();
}

function signature(definitions: RpcDefinitions): string {
  return JSON.stringify(
    sortedNames(definitions).map((name) => {
      const config = definitions[name]?.config ?? rpcDefaults;
      return [name, config.mode, config.transferMode, config.callLocal, config.channel];
    }),
  );
}

/** FNV-1a with a final mix: against accidents, not against attackers. Eight hexadecimal digits. */
function hash(text: string, seed: number): string {
  let value = seed;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  return ((value ^ (value >>> 13)) >>> 0).toString(16).padStart(8, '0');
}
