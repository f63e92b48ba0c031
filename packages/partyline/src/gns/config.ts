import { NetError } from '../base/index.ts';
import type { Crypto } from '../crypto/index.ts';
import { type GnsConfigValue, gnsConfigValues } from './config-values.ts';
import {
  type GnsOptions,
  handshakeOptions,
  type ResolvedGnsOptions,
  resolveGnsOptions,
  socketOptions,
} from './options.ts';

/** Changes of a scope; `undefined` takes the scope's own value away, so that it inherits again. */
export type GnsConfigChanges = { [Name in keyof GnsOptions]?: GnsOptions[Name] | undefined };

export interface GnsConfigSetup {
  /** The wider scope; a crypto backend makes a scope with none above it. */
  readonly parent: GnsConfig | Crypto;
  /** Is there a socket of its own to which FakePacket values can apply? Default true. */
  readonly hasSocket?: boolean;
}

/**
 * GNS's configuration at one scope (global, interface, listen socket, connection): what is not set
 * here comes from the wider one, also when it changes later.
 */
export class GnsConfig {
  /** What is in effect. The object stays the same and its values change: read it, do not copy it. */
  readonly values: ResolvedGnsOptions;
  readonly #crypto: Crypto;
  readonly #parent: GnsConfig | undefined;
  readonly #hasSocket: boolean;
  readonly #children = new Set<GnsConfig>();
  #own: GnsOptions = {};
  #locked: GnsOptions | undefined;
  #tell: (() => void) | undefined;

  /** @throws NetError `OPTIONS_INVALID`, naming the value and what it takes */
  constructor({ parent, hasSocket = true }: GnsConfigSetup, own: GnsOptions = {}) {
    this.#parent = parent instanceof GnsConfig ? parent : undefined;
    this.#crypto = parent instanceof GnsConfig ? parent.#crypto : parent;
    this.#hasSocket = hasSocket;
    this.#own = this.#merged(own);
    this.values = this.#resolve(this.#own, this.#parent?.values);
    if (this.#parent !== undefined) this.#parent.#children.add(this);
  }

  /** A scope as it is; values become a scope of their own under `parent`. @throws NetError `OPTIONS_INVALID` */
  static from(setup: GnsConfigSetup, source: GnsOptions | GnsConfig | undefined): GnsConfig {
    return source instanceof GnsConfig ? source : new GnsConfig(setup, source);
  }

  /** What was set at this scope itself. */
  get own(): Readonly<GnsOptions> {
    return { ...this.#own };
  }

  /**
   * Changes this scope and all that inherit from it, or nothing at all.
   * @throws NetError `OPTIONS_INVALID` for a value that is out of range here or below, or fixed by now
   */
  set(changes: GnsConfigChanges): void {
    const own = this.#merged(changes);
    const plan: [GnsConfig, ResolvedGnsOptions][] = [];
    this.#plan(own, this.#parent?.values, plan);
    this.#own = own;
    for (const [config, values] of plan) Object.assign(config.values, values);
    for (const [config] of plan) config.#tell?.();
  }

  /** One value by GNS's name or number, in GNS's unit (GNS GetConfigValue). @throws NetError `OPTIONS_INVALID` */
  getValue(name: string | number): { readonly value: number; readonly isInherited: boolean } {
    const { get, option } = rowOf(name);
    return { value: get(this.values), isInherited: this.#own[option] === undefined };
  }

  /** Sets one value by GNS's name or number, in GNS's unit (GNS SetConfigValue). @throws NetError `OPTIONS_INVALID` */
  setValue(name: string | number, value: number): void {
    const row = rowOf(name);
    const { min, max, set } = row;
    if (set === undefined) throw invalid(`${row.name} can only be read`);
    const isWhole = row.type === 'float' || Number.isInteger(value);
    if (!isWhole || !(value >= min && value <= max)) {
      throw invalid(`${row.name} takes ${min} to ${max}`);
    }
    this.set(set(value));
  }

  /** Whose configuration this is hears of every change; one listener. */
  onChange(tell: () => void): void {
    this.#tell = tell;
  }

  /** The handshake has begun: what it depends on stays as it is, whatever the wider scopes do. */
  lock(): void {
    if (this.#locked !== undefined) return;
    // Object.fromEntries forgets the names it was given.
    const entries = handshakeOptions.map((name) => [name, this.values[name]]);
    this.#locked = Object.fromEntries(entries) as GnsOptions;
  }

  /** Nobody uses it any more: the wider scope forgets it. */
  release(): void {
    if (this.#parent !== undefined) this.#parent.#children.delete(this);
  }

  #plan(
    own: GnsOptions,
    inherited: ResolvedGnsOptions | undefined,
    plan: [GnsConfig, ResolvedGnsOptions][],
  ): void {
    const values = this.#resolve(own, inherited);
    plan.push([this, values]);
    for (const child of this.#children) child.#plan(child.#own, values, plan);
  }

  #resolve(own: GnsOptions, inherited: ResolvedGnsOptions | undefined): ResolvedGnsOptions {
    const isPlain = inherited !== undefined && this.#locked === undefined;
    if (isPlain && Object.keys(own).length === 0) return { ...inherited }; // checked where it was set
    const fakeSend = { ...inherited?.fakeSend, ...own.fakeSend };
    const fakeReceive = { ...inherited?.fakeReceive, ...own.fakeReceive };
    // A scope that names CAs does not want the store of the wider one.
    const store = own.trustedCas === undefined ? {} : { certStore: own.certStore };
    const mixed = { ...inherited, ...own, ...store, fakeSend, fakeReceive, ...this.#locked };
    return resolveGnsOptions(this.#crypto, withoutUndefined(mixed));
  }

  #merged(changes: GnsConfigChanges): GnsOptions {
    const merged: GnsConfigChanges = { ...this.#own };
    for (const name of Object.keys(changes)) {
      if (!this.#hasSocket && socketOptions.has(name)) {
        throw invalid(`${name} belongs to a socket: set it where the socket was made`);
      }
      if (this.#locked !== undefined && name in this.#locked) {
        throw invalid(`${name} is fixed since the handshake`);
      }
    }
    Object.assign(merged, changes);
    if (changes.fakeSend) merged.fakeSend = { ...this.#own.fakeSend, ...changes.fakeSend };
    if (changes.fakeReceive) {
      merged.fakeReceive = { ...this.#own.fakeReceive, ...changes.fakeReceive };
    }
    return withoutUndefined(merged);
  }
}

function rowOf(name: string | number): GnsConfigValue {
  const row = gnsConfigValues.find((value) => value.name === name || value.number === name);
  if (row === undefined) throw invalid(`there is no configuration value ${name}`);
  return row;
}

/** `undefined` is a way to say "not set". */
function withoutUndefined(options: GnsConfigChanges): GnsOptions {
  // Object.fromEntries forgets the names it was given.
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as GnsOptions;
}

function invalid(why: string): NetError {
  return new NetError('OPTIONS_INVALID', why);
}
