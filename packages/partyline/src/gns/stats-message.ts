import { ProtobufWriter } from '../base/index.ts';
import { Fields } from './fields.ts';

/** CMsgSteamSockets_UDP_Stats.flags */
export const StatsFlag = {
  AckRequest: 2,
  AckRequestImmediate: 4,
  NotPrimaryTransport: 16,
} as const;

/** CMsgSteamDatagramLinkInstantaneousStats: rates over the last interval. -1: unknown. */
export interface InstantaneousStats {
  readonly outPacketsPerSecond: number;
  readonly outBytesPerSecond: number;
  readonly inPacketsPerSecond: number;
  readonly inBytesPerSecond: number;
  readonly pingMs: number;
  /** Share of packets that did not come, 0 to 1. */
  readonly packetsDropped: number;
  /** Share of packets out of order, doubled or far off, 0 to 1. */
  readonly packetsWeird: number;
  /** In µs; -1 without jitter measurement. */
  readonly peakJitterUsec: number;
}

/** CMsgSteamDatagramLinkLifetimeStats, the counters that we keep. */
export interface LifetimeStats {
  readonly connectedSeconds: number;
  readonly packetsSent: number;
  readonly kilobytesSent: number;
  readonly packetsReceived: number;
  readonly kilobytesReceived: number;
  readonly packetsSequenced: number;
  readonly packetsDropped: number;
  readonly packetsOutOfOrder: number;
  readonly packetsOutOfOrderCorrected: number;
  readonly packetsDuplicate: number;
  readonly packetsLurch: number;
}

/** CMsgSteamSockets_UDP_Stats, in the unprotected head of a data packet: advice, no more. */
export interface StatsMessage {
  readonly flags: number;
  readonly instantaneous?: InstantaneousStats;
  readonly lifetime?: LifetimeStats;
}

export function encodeStats(message: StatsMessage): Uint8Array {
  const writer = new ProtobufWriter();
  const { flags, instantaneous, lifetime } = message;
  if (instantaneous !== undefined || lifetime !== undefined) {
    const quality = new ProtobufWriter();
    if (instantaneous !== undefined) quality.bytes(1, encodeInstantaneous(instantaneous));
    if (lifetime !== undefined) quality.bytes(2, encodeLifetime(lifetime));
    writer.bytes(1, quality.finish());
  }
  if (flags !== 0) writer.varint(3, flags);
  return writer.finish();
}

/** @throws DecodeError */
export function decodeStats(bytes: Uint8Array): StatsMessage {
  const fields = new Fields(bytes);
  const flags = fields.get(3, 'varint') ?? 0;
  const qualityBytes = fields.get(1, 'bytes');
  if (qualityBytes === undefined) return { flags };
  const quality = new Fields(qualityBytes);
  const instantaneous = quality.get(1, 'bytes');
  const lifetime = quality.get(2, 'bytes');
  return {
    flags,
    ...(instantaneous === undefined ? {} : { instantaneous: decodeInstantaneous(instantaneous) }),
    ...(lifetime === undefined ? {} : { lifetime: decodeLifetime(lifetime) }),
  };
}

function encodeInstantaneous(stats: InstantaneousStats): Uint8Array {
  const writer = new ProtobufWriter()
    .varint(1, Math.round(stats.outPacketsPerSecond * 10))
    .varint(2, Math.round(stats.outBytesPerSecond))
    .varint(3, Math.round(stats.inPacketsPerSecond * 10))
    .varint(4, Math.round(stats.inBytesPerSecond));
  if (stats.pingMs >= 0) writer.varint(5, Math.round(stats.pingMs));
  if (stats.packetsDropped >= 0) writer.varint(6, Math.round(stats.packetsDropped * 100));
  if (stats.packetsWeird >= 0) writer.varint(7, Math.round(stats.packetsWeird * 100));
  if (stats.peakJitterUsec >= 0) writer.varint(8, Math.round(stats.peakJitterUsec));
  return writer.finish();
}

function decodeInstantaneous(bytes: Uint8Array): InstantaneousStats {
  const fields = new Fields(bytes);
  const share = (number: number): number => {
    const percent = fields.get(number, 'varint');
    return percent === undefined ? -1 : Math.min(percent, 100) / 100;
  };
  return {
    outPacketsPerSecond: (fields.get(1, 'varint') ?? 0) / 10,
    outBytesPerSecond: fields.get(2, 'varint') ?? 0,
    inPacketsPerSecond: (fields.get(3, 'varint') ?? 0) / 10,
    inBytesPerSecond: fields.get(4, 'varint') ?? 0,
    pingMs: fields.get(5, 'varint') ?? -1,
    packetsDropped: share(6),
    packetsWeird: share(7),
    peakJitterUsec: fields.get(8, 'varint') ?? -1,
  };
}

function encodeLifetime(stats: LifetimeStats): Uint8Array {
  return new ProtobufWriter()
    .varint(2, stats.connectedSeconds)
    .varint(3, stats.packetsSent)
    .varint(4, stats.kilobytesSent)
    .varint(5, stats.packetsReceived)
    .varint(6, stats.kilobytesReceived)
    .varint(7, stats.packetsSequenced)
    .varint(8, stats.packetsDropped)
    .varint(9, stats.packetsOutOfOrder)
    .varint(10, stats.packetsDuplicate)
    .varint(11, stats.packetsLurch)
    .varint(15, stats.packetsOutOfOrderCorrected)
    .finish();
}

function decodeLifetime(bytes: Uint8Array): LifetimeStats {
  const fields = new Fields(bytes);
  const count = (number: number): number => fields.get(number, 'varint') ?? 0;
  return {
    connectedSeconds: count(2),
    packetsSent: count(3),
    kilobytesSent: count(4),
    packetsReceived: count(5),
    kilobytesReceived: count(6),
    packetsSequenced: count(7),
    packetsDropped: count(8),
    packetsOutOfOrder: count(9),
    packetsOutOfOrderCorrected: count(15),
    packetsDuplicate: count(10),
    packetsLurch: count(11),
  };
}
