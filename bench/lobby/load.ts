/** The load, the same for both sides. */
export const load = {
  /** Lobbies in the making at a time. */
  createsInFlight: 32,
  /** Over which creates without a new socket are spread: on one, its two ends would take turns. */
  openSessions: 4,
  pairs: 8,
  /** Messages under way in each pair. */
  messagesInFlight: 64,
  messageBytes: 64,
} as const;

/** Runs `work` `count` times, `inFlight` at a time. */
export async function repeat(
  count: number,
  inFlight: number,
  work: () => Promise<void>,
): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

/** One direction of a pair: how to send, and who is told of each message that comes out. */
export interface Pair {
  send(): void;
  onArrival: () => void;
}

/** Keeps `load.messagesInFlight` messages under way in each pair until `count` have come out in all. */
export async function relayThrough(pairs: readonly Pair[], count: number): Promise<void> {
  const share = Math.ceil(count / pairs.length);
  await Promise.all(pairs.map((pair) => keepFull(pair, share)));
}

function keepFull(pair: Pair, count: number): Promise<void> {
  return new Promise((resolve) => {
    let sent = 0;
    let arrived = 0;
    pair.onArrival = () => {
      if (++arrived === count) resolve();
      else if (sent < count) {
        sent++;
        pair.send();
      }
    };
    for (; sent < Math.min(load.messagesInFlight, count); sent++) pair.send();
  });
}
