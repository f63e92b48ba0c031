import type { GnsConnection, InstantaneousStats, LifetimeStats } from '../gns/index.ts';

export interface ConnectionSigns {
  readonly name: string;
  readonly address: string;
  /** Of P2P. */
  readonly route?: string;
}

/** Share of packets that came once and in order, from 0 to 1, as a side tells it; -1 while unknown. */
export function qualityOf(rates: InstantaneousStats | undefined): number {
  if (rates === undefined || rates.packetsDropped < 0) return -1;
  return Math.max(0, 1 - rates.packetsDropped - Math.max(0, rates.packetsWeird));
}

/** GNS `GetDetailedConnectionStatus`: all that is known of a connection, for people and logs. */
export function describeConnection(
  core: GnsConnection,
  now: number,
  { name, address, route }: ConnectionSigns,
): string {
  const { stats, snp, drops } = core;
  const s = snp.stats();
  const lanes = snp.laneStatuses();
  return [
    `${name === '' ? `#${core.id}` : name} ${core.role} ${address}${route === undefined ? '' : ` (${route})`}`,
    `  peer ${core.remoteIdentity ?? '?'} (${core.isVerified ? 'verified' : 'unverified'}), ${core.isEncrypted ? 'AES-256-GCM' : 'not encrypted'}, protocol ${core.protocolVersion}`,
    `  state ${core.state}${core.endReason === 0 ? '' : `, ended ${core.endReason}: ${core.endDebug}`}`,
    `  ping ${s.pingMs < 0 ? '?' : s.pingMs.toFixed(1)} ms, quality here ${percent(stats.quality)}, there ${percent(qualityOf(stats.remote))}`,
    `  queued ${s.pendingReliableBytes} B reliable, ${s.pendingUnreliableBytes} B unreliable, ${s.sentUnackedReliableBytes} B not acknowledged, next leaves in ${s.queueTimeMs.toFixed(1)} ms`,
    ...(lanes.length === 1 ? [] : lanes.map((lane, i) => laneText(lane, i))),
    `  rate ${s.sendRateBytesPerSecond} B/s, sent ${stats.packetsSent} packets, received ${stats.packetsReceived}, lost ${s.packetsLost}`,
    `  now here  ${rateText(stats.instantaneous)}`,
    `  now there ${stats.remote === undefined ? 'not told yet' : rateText(stats.remote)}`,
    `  so far here  ${lifetimeText(stats.lifetime(now))}`,
    `  so far there ${stats.remoteLifetime === undefined ? 'not told yet' : lifetimeText(stats.remoteLifetime)}`,
    `  not processed: ${drops.malformed} unreadable, ${drops.unexpected} stray, ${drops.replayed} replayed, ${drops.forged} forged; ${s.segmentsRefused} segments for want of room`,
  ].join('\n');
}

type Lane = ReturnType<GnsConnection['snp']['laneStatuses']>[number];

function laneText(lane: Lane, index: number): string {
  const { priority, weight, pendingReliableBytes, pendingUnreliableBytes } = lane;
  return `    lane ${index}: priority ${priority}, weight ${weight}, queued ${pendingReliableBytes} B reliable, ${pendingUnreliableBytes} B unreliable, ${lane.sentUnackedReliableBytes} B not acknowledged, next leaves in ${lane.queueTimeMs.toFixed(1)} ms`;
}

function rateText(rates: InstantaneousStats): string {
  const { outPacketsPerSecond, outBytesPerSecond, inPacketsPerSecond, inBytesPerSecond } = rates;
  const jitter = rates.peakJitterUsec < 0 ? '?' : (rates.peakJitterUsec / 1000).toFixed(1);
  return `out ${outPacketsPerSecond.toFixed(1)} packets/s, ${Math.round(outBytesPerSecond)} B/s; in ${inPacketsPerSecond.toFixed(1)} packets/s, ${Math.round(inBytesPerSecond)} B/s; dropped ${percent(rates.packetsDropped)}, out of order or doubled ${percent(rates.packetsWeird)}, jitter up to ${jitter} ms`;
}

function lifetimeText(life: LifetimeStats): string {
  return `${life.connectedSeconds} s; sent ${life.packetsSent} packets, ${life.kilobytesSent} KiB; received ${life.packetsReceived} packets, ${life.kilobytesReceived} KiB; dropped ${life.packetsDropped}, out of order ${life.packetsOutOfOrder}, doubled ${life.packetsDuplicate}, leaps ${life.packetsLurch}`;
}

function percent(share: number): string {
  return share < 0 ? '?' : `${(share * 100).toFixed(1)} %`;
}
