import type { PacketCipher } from './packet-cipher.ts';
import { DataHeader } from './packet-header.ts';
import { PacketNumbers } from './packet-numbers.ts';

/** Datagrams that were not processed, by why. */
export interface DropCounts {
  /** Could not be parsed. */
  malformed: number;
  /** For another connection, or of no use in this state. */
  unexpected: number;
  /** Came before, or too long ago. */
  replayed: number;
  /** Not made by the peer. */
  forged: number;
}

/** A packet is opened and taken within one call, so that all connections share its head. */
const sharedHeader = new DataHeader();

/** Opens a connection's data packets: whose it is, whether it is new, whether the peer made it. */
export class DataReceiver {
  readonly numbers: PacketNumbers = new PacketNumbers();
  readonly drops: DropCounts = { malformed: 0, unexpected: 0, replayed: 0, forged: 0 };
  /** Of the packet opened last. */
  readonly header: DataHeader = sharedHeader;
  /** Its number. */
  number = 0;
  /** Signed: a number over 2^31 would be an object of its own, far from this one. */
  readonly #id: number;
  #opener: PacketCipher | undefined;

  constructor(id: number) {
    this.#id = id | 0;
  }

  /** The keys are known; the handshake was packet `number`. */
  start(opener: PacketCipher, number: number): void {
    this.#opener = opener;
    this.numbers.start(number);
  }

  /**
   * The plaintext, good until the next call; `undefined` for a packet that is dropped and counted.
   * Its number is not taken for used before {@link PacketNumbers.accept}. @throws DecodeError
   */
  open(datagram: Uint8Array): Uint8Array | undefined {
    const { header, numbers, drops } = this;
    header.decode(datagram);
    const opener = this.#opener;
    if ((header.toConnectionId | 0) !== this.#id || opener === undefined) {
      drops.unexpected += 1;
      return undefined;
    }
    this.number = numbers.expand(header.packetNumber);
    if (numbers.judge(this.number) !== 'new') {
      drops.replayed += 1;
      return undefined;
    }
    const plaintext = opener.open(this.number, datagram.subarray(header.bodyAt));
    if (plaintext === undefined) drops.forged += 1;
    return plaintext;
  }
}
