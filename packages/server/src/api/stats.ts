import type { RelayStats, StunListener, StunStats } from '../relay/index.ts';
import type { SignalStats } from '../rendezvous/index.ts';
import type { Services } from './services.ts';
import type { SocketDoor } from './upgrade.ts';

/** A snapshot: counts since the start, and what is open now. */
export interface ServerStats {
  readonly sockets: number;
  readonly relaySockets: number;
  /** With a member on this node. */
  readonly lobbies: number;
  readonly signals: SignalStats;
  readonly relay: RelayStats;
  readonly stun: StunStats | undefined;
}

export function serverStats(
  { lobbies, relay, signals }: Services,
  door: SocketDoor,
  stun: StunListener | undefined,
): ServerStats {
  return {
    sockets: door.size,
    relaySockets: relay.size,
    lobbies: lobbies.seats.size,
    signals: { ...signals.stats },
    relay: { ...relay.stats },
    stun: stun && { ...stun.stats },
  };
}
