import { NetError } from '../base/index.ts';
import { EVERYONE, type PeerId, SERVER } from './multiplayer-peer.ts';
import { objectId, type RpcArguments, type RpcDefinitions, sortedNames } from './rpc.ts';
import { MAX_RPCS } from './rpc-wire.ts';

/** Who sends the calls of an object: {@link Multiplayer}. */
export interface RpcSender {
  call(
    object: RpcObject<RpcDefinitions>,
    to: PeerId,
    index: number,
    args: readonly unknown[],
  ): void;
  remove(object: RpcObject<RpcDefinitions>): void;
}

/** Something with a path that is the same for all peers, and rpcs. Made by `multiplayer.object()`. */
export class RpcObject<D extends RpcDefinitions> {
  readonly path: string;
  /** Godot's `multiplayer_authority`: who may call the rpcs of mode `authority`. Each peer sets its own view. Default 1. */
  authority: PeerId = SERVER;
  /** On the wire. */
  readonly wireId: number;
  readonly #sender: RpcSender;
  readonly #definitions: D;
  readonly #names: readonly string[];
  readonly #indexes: ReadonlyMap<string, number>;

  /** For {@link Multiplayer}. @throws NetError `OPTIONS_INVALID` on more than 256 rpcs */
  constructor(sender: RpcSender, path: string, definitions: D) {
    this.path = path;
    this.#sender = sender;
    this.#definitions = definitions;
    this.#names = sortedNames(definitions);
    if (this.#names.length > MAX_RPCS) {
      throw new NetError('OPTIONS_INVALID', `an object has at most ${MAX_RPCS} rpcs`);
    }
    this.#indexes = new Map(this.#names.map((name, index) => [name, index]));
    this.wireId = objectId(path, definitions);
  }

  /**
   * Calls for all other peers, as Godot's `rpc()`.
   * @throws NetError `PEER_UNSET`, `PEER_NOT_CONNECTED`, `RPC_FORBIDDEN`, `RPC_ARGUMENTS`, and what `MultiplayerPeer.send` throws
   */
  rpc<N extends keyof D & string>(name: N, ...args: RpcArguments<D[N]>): void {
    this.rpcId(EVERYONE, name, ...args);
  }

  /** Calls for one peer, for all (0), or for all but one (negative), as Godot's `rpc_id()`. @throws NetError as `rpc` */
  rpcId<N extends keyof D & string>(to: PeerId, name: N, ...args: RpcArguments<D[N]>): void {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new NetError('RPC_UNKNOWN', `${this.path} has no rpc ${name}`);
    this.#sender.call(this, to, index, args);
  }

  /** From now on its calls are refused here; the path is free again. */
  remove(): void {
    this.#sender.remove(this);
  }

  /** For {@link Multiplayer}. */
  definition(index: number): { readonly name: string; readonly rpc: D[string] } | undefined {
    const name = this.#names[index];
    const rpc = name === undefined ? undefined : this.#definitions[name];
    // `D[string]` is what a record of that name holds; the name came from its keys.
    return name === undefined || !rpc ? undefined : { name, rpc: rpc as D[string] };
  }
}
