import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { RelayStats } from '../turn/index.ts';
import type { ServerStats } from './stats.ts';

/** One number, or several by a label whose values are few and ours; never by user. */
interface Measure {
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge';
  readonly label?: string;
  value(): number | Iterable<readonly [string, number]>;
}

/** What Prometheus scrapes: this program's process and runtime, and the counts that are given. */
export class Metrics {
  readonly #registry = new Registry();

  constructor(stats: {
    readonly turn: () => RelayStats | undefined;
    readonly server?: () => ServerStats;
  }) {
    collectDefaultMetrics({ register: this.#registry });
    const { turn, server } = stats;
    for (const measure of turnMeasures(turn)) this.#add(measure);
    if (server) for (const measure of serverMeasures(server)) this.#add(measure);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #add({ name, help, kind, label, value }: Measure): void {
    const registers = [this.#registry];
    const labelNames = label === undefined ? [] : [label];
    const read = (): (readonly [Record<string, string>, number])[] => {
      const now = value();
      if (typeof now === 'number') return [[{}, now]];
      return [...now].map(([of, count]) => [{ [label ?? 'of']: of }, count] as const);
    };
    const common = { name: `partyline_${name}`, help, labelNames, registers };
    if (kind === 'gauge') {
      new Gauge({
        ...common,
        collect() {
          this.reset();
          for (const [labels, count] of read()) this.set(labels, count);
        },
      });
    } else {
      // What is counted elsewhere: a counter of prom-client can only be added to.
      new Counter({
        ...common,
        collect() {
          this.reset();
          for (const [labels, count] of read()) this.inc(labels, count);
        },
      });
    }
  }
}

function turnMeasures(turn: () => RelayStats | undefined): Measure[] {
  const counter = (name: string, help: string, of: (stats: RelayStats) => number): Measure => ({
    ...{ name: `turn_${name}`, help, kind: name.endsWith('_total') ? 'counter' : 'gauge' },
    value: () => {
      const stats = turn();
      return stats ? of(stats) : 0;
    },
  });
  return [
    counter('allocations', 'Allocations now.', (s) => s.allocations),
    counter('streams', 'Clients by TCP, TLS and WebSocket now.', (s) => s.streams),
    counter('allocated_total', 'Allocations made.', (s) => s.allocated),
    counter('relayed_packets_total', 'Packets relayed, both directions.', (s) => s.relayedPackets),
    counter('relayed_bytes_total', 'Payload relayed, both directions.', (s) => s.relayedBytes),
    counter('bindings_total', 'STUN Binding answers.', (s) => s.bindings),
    counter('malformed_total', 'Messages that could not be read.', (s) => s.malformed),
    counter('rate_limited_total', 'Requests over a rate.', (s) => s.rateLimited),
    counter('unpermitted_total', 'Packets without permission.', (s) => s.unpermitted),
    counter('over_bandwidth_total', 'Packets over a bandwidth quota.', (s) => s.overBandwidth),
    counter('too_big_total', 'Packets too big for DONT-FRAGMENT.', (s) => s.tooBig),
    {
      ...{ name: 'turn_refused_total', help: 'Answers with an error.', kind: 'counter' },
      label: 'code',
      value: () => [...(turn()?.refused ?? [])].map(([code, count]) => [String(code), count]),
    },
  ];
}

function serverMeasures(server: () => ServerStats): Measure[] {
  const counts = (name: string, help: string, of: (s: ServerStats) => object): Measure => ({
    ...{ name, help, kind: 'counter', label: 'outcome' },
    value: () => Object.entries(of(server())).filter(isCount),
  });
  const gauge = (name: string, help: string, of: (s: ServerStats) => number): Measure => ({
    ...{ name, help, kind: 'gauge' },
    value: () => of(server()),
  });
  return [
    gauge('sockets', 'WebSockets open now.', (s) => s.sockets),
    gauge('relay_sockets', 'Relay wires open now.', (s) => s.relaySockets),
    gauge('lobbies', 'Lobbies with a member on this server.', (s) => s.lobbies),
    counts('signals_total', 'Signals between members.', (s) => s.signals),
    counts('relay_frames_total', 'Frames of the relay wire.', (s) => s.relay),
    counts('stun_total', 'STUN requests.', (s) => s.stun ?? {}),
  ];
}

function isCount(entry: [string, unknown]): entry is [string, number] {
  return typeof entry[1] === 'number';
}
