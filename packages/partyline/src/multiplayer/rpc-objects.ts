import { type Logger, NetError } from '../base/index.ts';
import { EVERYONE, type PeerId, type TransferMode } from './multiplayer-peer.ts';
import type { Rpc, RpcDefinitions } from './rpc.ts';
import { RpcObject, type RpcSender } from './rpc-object.ts';
import { encodeRpc, type MultiplayerMessage } from './rpc-wire.ts';

export interface RpcObjectsOptions {
  readonly logger: Logger;
  /** Calls a handler of the game; what it throws is reported, not thrown. */
  readonly run: (handler: () => void) => void;
  /** @throws NetError `PEER_UNSET`, `PEER_NOT_CONNECTED` */
  readonly localId: () => PeerId;
  /** @throws NetError what `MultiplayerPeer.send` throws */
  readonly send: (to: PeerId, message: Uint8Array, channel: number, mode: TransferMode) => void;
}

/** The objects of one {@link Multiplayer} by path and by number: who may call what, out and in. */
export class RpcObjects {
  readonly #options: RpcObjectsOptions;
  readonly #objects = new Map<number, RpcObject<RpcDefinitions>>();
  readonly #paths = new Set<string>();
  readonly #sender: RpcSender;
  #unknown = 0;
  #refused = 0;

  constructor(options: RpcObjectsOptions) {
    this.#options = options;
    this.#sender = {
      call: (object, to, index, args) => this.#call(object, to, index, args),
      remove: (object) => this.#remove(object),
    };
  }

  stats(): { readonly unknownRpcs: number; readonly refusedRpcs: number } {
    return { unknownRpcs: this.#unknown, refusedRpcs: this.#refused };
  }

  /** @throws NetError `OPTIONS_INVALID` when the path is taken, or by more than 256 rpcs */
  add<D extends RpcDefinitions>(path: string, definitions: D): RpcObject<D> {
    const object = new RpcObject(this.#sender, path, definitions);
    if (this.#paths.has(path) || this.#objects.has(object.wireId)) {
      throw new NetError('OPTIONS_INVALID', `the path ${path} is taken, or so is its number`);
    }
    this.#paths.add(path);
    this.#objects.set(object.wireId, object);
    return object;
  }

  /** A call by a connected peer. @throws DecodeError */
  handle(from: PeerId, message: MultiplayerMessage & { type: 'rpc' }): void {
    const object = this.#objects.get(message.object);
    const definition = object?.definition(message.index);
    if (!object || !definition) {
      this.#unknown++;
      this.#options.logger.warn(
        { from },
        'rpc of an object that is not here, or is defined otherwise',
      );
      return;
    }
    const { rpc, name } = definition;
    const { mode } = rpc.config;
    if (mode === 'disabled' || (mode === 'authority' && from !== object.authority)) {
      this.#refuse(from, object, name, `its mode is ${mode}`);
      return;
    }
    let args = message.args();
    try {
      if (rpc.validate) args = [...rpc.validate(args)];
    } catch (error) {
      this.#refuse(from, object, name, error);
      return;
    }
    this.#run(rpc, from, args);
  }

  #refuse(from: PeerId, { path }: RpcObject<RpcDefinitions>, rpc: string, why: unknown): void {
    this.#refused++;
    this.#options.logger.warn({ from, path, rpc, why }, 'rpc refused');
  }

  #run(rpc: Rpc<never>, remoteSender: PeerId, args: readonly unknown[]): void {
    // The compiler checked the caller's arguments against this handler, or `validate` did.
    this.#options.run(() => rpc.handler({ remoteSender }, ...(args as never)));
  }

  #call(
    object: RpcObject<RpcDefinitions>,
    to: PeerId,
    index: number,
    args: readonly unknown[],
  ): void {
    const localId = this.#options.localId();
    const definition = object.definition(index);
    if (this.#objects.get(object.wireId) !== object || !definition) {
      throw new NetError('RPC_UNKNOWN', `${object.path} was removed`);
    }
    const { name, rpc } = definition;
    const { mode, callLocal, channel, transferMode } = rpc.config;
    const mayCall = mode === 'anyPeer' || (mode === 'authority' && object.authority === localId);
    if (!mayCall) {
      throw new NetError('RPC_FORBIDDEN', `${object.path} ${name}: its mode is ${mode}`);
    }
    const toSelf = to === localId;
    if (toSelf && !callLocal) {
      throw new NetError('RPC_FORBIDDEN', `${object.path} ${name} is not callLocal`);
    }
    const message = encodeRpc(object.wireId, index, args);
    if (!toSelf) this.#options.send(to, message, channel, transferMode);
    if (callLocal && (toSelf || (to <= EVERYONE && to !== -localId))) this.#run(rpc, localId, args);
  }

  #remove(object: RpcObject<RpcDefinitions>): void {
    if (this.#objects.get(object.wireId) !== object) return;
    this.#objects.delete(object.wireId);
    this.#paths.delete(object.path);
  }
}
