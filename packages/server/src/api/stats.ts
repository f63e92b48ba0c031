import type { RelayStats, StunListener, StunStats } from '../relay/index.ts';
import type { SignalStats } from '../rendezvous/index.ts';
import type { RelayGroup, RelayStats as TurnStats } from '../turn/index.ts';
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
  readonly turn: TurnStats | undefined;
}

export function serverStats(
  { lobbies, relay, signals }: Services,
  door: SocketDoor,
  {
    stun,
    turn,
  }: {
    readonly stun: StunListener | undefined;
    readonly turn: RelayGroup | undefined;
  },
): ServerStats {
  return {
    sockets: door.size,
    relaySockets: relay.size,
    lobbies: lobbies.seats.size,
    signals: { ...signals.stats },
    relay: { ...relay.stats },
    stun: stun ? { ...stun.stats } : turn && stunStatsOf(turn),
    turn: turn?.stats(),
  };
}

/** The relay answers STUN too when it is there. */
function stunStatsOf(turn: RelayGroup): StunStats {
  const { bindings, malformed, unpermitted, rateLimited } = turn.stats();
  return { answered: bindings, ignored: malformed + unpermitted, rateLimited };
}
