import { NetError } from '../base/index.ts';

/** GNS's configuration of a connection's messages, with its defaults. */
export interface SnpOptions {
  /** Queued and not yet sent, in bytes (GNS SendBufferSize 9). Default 524288. */
  sendBufferBytes?: number;
  /** Lower limit of the send rate, in bytes/s (GNS SendRateMin 10), 1024 to 104857600. Default 262144. */
  sendRateMinBytesPerSecond?: number;
  /** Upper limit of the send rate, in bytes/s (GNS SendRateMax 11), 1024 to 104857600. Default 262144. */
  sendRateMaxBytesPerSecond?: number;
  /** How long a small message waits for company, in ms (GNS NagleTime 12), 0 to 20. Default 5. */
  nagleMs?: number;
  /** Received and not yet taken by the application, in bytes (GNS RecvBufferSize 47). Default 1048576. */
  receiveBufferBytes?: number;
  /** The same as a count (GNS RecvBufferMessages 48). Default 1000. */
  receiveBufferMessages?: number;
  /** Largest message, in bytes (GNS RecvMaxMessageSize 49). Default 524288. */
  maxMessageBytes?: number;
  /** Segments processed of one packet (GNS RecvMaxSegmentsPerPacket 50). Default 1300. */
  maxSegmentsPerPacket?: number;
  /** All lanes' incomplete messages and bytes out of order together, in bytes. Default 16777216. */
  reassemblyBytes?: number;
  /** Sent and not acknowledged, over all lanes, in bytes. Default 16777216. */
  maxUnackedBytes?: number;
  /**
   * A pure acknowledgement leaves after so many packets with reliable data, without waiting for
   * GNS's 50 ms. Default 32; 0 keeps GNS's timing alone.
   */
  ackEveryPackets?: number;
  /**
   * Find the rate between the two limits by what the path shows (docs/adr/0055). Takes effect only
   * where SendRateMin is below SendRateMax; false then sends at the upper one, as GNS does. Default true.
   */
  congestionControl?: boolean;
}

type Numbers = Required<Omit<SnpOptions, 'congestionControl'>>;

/** Made by one literal: every connection reads its own at each packet, and all have one shape. */
const defaults = (): Required<SnpOptions> => ({
  sendBufferBytes: 512 * 1024,
  sendRateMinBytesPerSecond: 256 * 1024,
  sendRateMaxBytesPerSecond: 256 * 1024,
  nagleMs: 5,
  receiveBufferBytes: 1024 * 1024,
  receiveBufferMessages: 1000,
  maxMessageBytes: 512 * 1024,
  maxSegmentsPerPacket: 1300,
  reassemblyBytes: 16 * 1024 * 1024,
  maxUnackedBytes: 16 * 1024 * 1024,
  ackEveryPackets: 32,
  congestionControl: true,
});

/** docs/limits.md quotes these. */
export const snpDefaults: Readonly<Required<SnpOptions>> = Object.freeze(defaults());

const MAX_NAGLE_MS = 20;
// Object.keys forgets the type of the keys it lists.
const numberNames = Object.keys(snpDefaults).filter(
  (name) => name !== 'congestionControl',
) as readonly (keyof Numbers)[];

/** @throws NetError `OPTIONS_INVALID`, naming the option and what it takes. */
export function resolveSnpOptions(options: SnpOptions = {}): Required<SnpOptions> {
  const resolved = defaults();
  for (const name of numberNames) {
    const value = options[name] ?? snpDefaults[name];
    const isWhole = Number.isSafeInteger(value) || name === 'nagleMs';
    if (!isWhole || !(value >= 0)) {
      throw new NetError('OPTIONS_INVALID', `${name} takes a whole number of at least 0`);
    }
    resolved[name] = value;
  }
  if (resolved.nagleMs > MAX_NAGLE_MS) {
    throw new NetError('OPTIONS_INVALID', `nagleMs takes 0 to ${MAX_NAGLE_MS}`);
  }
  if (resolved.receiveBufferBytes < resolved.maxMessageBytes) {
    throw new NetError('OPTIONS_INVALID', 'receiveBufferBytes must hold maxMessageBytes');
  }
  resolved.congestionControl = options.congestionControl ?? true;
  return resolved;
}
