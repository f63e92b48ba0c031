import { type GcmExports, openGcm } from './gcm-module.ts';
import { Layout, PLACE_BYTES, PLACES } from './layout.ts';

const BLOCK_BYTES = 16;
const KEY_BYTES = 32;

/**
 * A key, and behind it the block of zeros encrypted by it. Arrays so short lie within their object:
 * a server that hears a thousand keys in turn has to fetch nothing else of them.
 */
export interface GcmKey {
  readonly bytes: Uint8Array;
  /** Where it is made ready, which it shares with every eighth key. */
  readonly place: number;
}

/** The module, and which keys are ready in it: one for all keys of the thread. */
export class GcmEngine {
  readonly gcm: GcmExports;
  readonly bytes: Uint8Array;
  /** Of the packet, by length: a new one for each packet would be a tenth of a server's garbage. */
  readonly #packets: (Uint8Array | undefined)[] = [];
  readonly #ready: (Uint8Array | undefined)[] = new Array(PLACES).fill(undefined);
  #drawn = 0;

  /** `undefined` where WebAssembly has no SIMD. */
  static open(): GcmEngine | undefined {
    const gcm = openGcm();
    return gcm === undefined ? undefined : new GcmEngine(gcm);
  }

  private constructor(gcm: GcmExports) {
    this.gcm = gcm;
    this.bytes = new Uint8Array(gcm.memory.buffer);
  }

  /** A view of the packet's first `length` bytes. */
  packet(length: number): Uint8Array {
    const known = this.#packets[length];
    if (known !== undefined) return known;
    const view = this.bytes.subarray(Layout.packet, Layout.packet + length);
    this.#packets[length] = view;
    return view;
  }

  keyOf(bytes: Uint8Array): GcmKey {
    const key = new Uint8Array(KEY_BYTES + BLOCK_BYTES);
    key.set(bytes);
    this.#drawn = (this.#drawn + 1) % PLACES;
    const place = this.#drawn;
    const address = this.#expand(place, key);
    this.#ready[place] = undefined;
    const block = this.bytes.subarray(Layout.stream, Layout.stream + BLOCK_BYTES).fill(0);
    this.gcm.encrypt(address, Layout.stream, 1);
    key.set(block, KEY_BYTES);
    return { bytes: key, place };
  }

  /**
   * Makes a key ready, unless it is; returns the address of its place. That takes as long as to
   * fetch what was made before from memory, if nobody has looked at it for a while.
   */
  ready(place: number, key: Uint8Array): number {
    if (this.#ready[place] === key) return Layout.places + place * PLACE_BYTES;
    const address = this.#expand(place, key);
    this.gcm.makeTable(address);
    this.#ready[place] = key;
    return address;
  }

  #expand(place: number, key: Uint8Array): number {
    const address = Layout.places + place * PLACE_BYTES;
    this.bytes.set(key, Layout.secret);
    this.gcm.expandKey(address);
    return address;
  }
}
