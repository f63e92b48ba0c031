import type { SignaledWire } from '../../../packages/partyline/src/peers/index.ts';
import { SimWire, type VirtualClock } from '../../../packages/partyline/src/testing/index.ts';
import type { WebRtcSessionHandlers } from '../../../packages/partyline/src/webrtc/index.ts';

/** Between two calls of the smaller id, in milliseconds; signals get lost. */
const CALL_INTERVAL_MS = 300;
/** A wire that did not open by then has failed, in milliseconds. */
const OPEN_MS = 8000;
const Signal = { Call: 1, Answer: 2 } as const;

/** One end: calls or is called by signals, then carries packets until it is cut. */
interface End extends SignaledWire {
  readonly name: string;
  readonly local: number;
  silence(): void;
  /** The wire of this end and the one that the other end shall have. */
  meet(wire: SimWire): void;
  cut(): void;
  readonly isOpen: boolean;
}

/**
 * A direct way between members, met by signals as GNS and WebRTC are: works for every pair but those
 * that are blocked, and dies when it is cut.
 */
export class FakeDirect {
  readonly #clock: VirtualClock;
  readonly #blocked = new Set<string>();
  readonly #ends = new Map<number, End>();
  #nextEnd = 1;
  #seed = 1;
  /** Wires opened so far, of all pairs. */
  opened = 0;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  block(a: number, b: number): void {
    this.#blocked.add(pair(a, b));
  }

  unblock(a: number, b: number): void {
    this.#blocked.delete(pair(a, b));
  }

  /** What this pair has dies, and both ends hear of it, or only that of the first. */
  cut(a: number, b: number, { oneSided = false } = {}): void {
    for (const end of [...this.#ends.values()]) {
      if (end.name !== `${a} ${b}`) continue;
      if (oneSided) end.silence();
      end.cut();
    }
  }

  /** All that this member has now says and hears nothing any more, and nobody is told. */
  silence(member: number): void {
    for (const end of this.#ends.values()) if (end.local === member) end.silence();
  }

  /** Ends in use; who closed everything has none. */
  get size(): number {
    return this.#ends.size;
  }

  open(
    local: number,
    remote: number,
    handlers: WebRtcSessionHandlers,
    sendSignal: (payload: Uint8Array) => void,
  ): SignaledWire {
    const number = this.#nextEnd++;
    let wire: SimWire | undefined;
    let isOver = false;
    let isSilent = false;
    const finish = (): void => {
      isOver = true;
      cancelCall();
      cancelOpen();
      this.#ends.delete(number);
    };
    const fail = (reason: string): void => {
      if (isOver) return;
      finish();
      handlers.onClosed(reason, 'PEER_CONNECT_FAILED');
    };
    const end: End = {
      kind: 'gns',
      name: `${local} ${remote}`,
      local,
      maxPacketBytes: 1200,
      get bufferedBytes(): number {
        return wire?.bufferedBytes ?? 0;
      },
      get isOpen(): boolean {
        return wire !== undefined;
      },
      send: (packet, reliable) => isSilent || (wire?.send(packet, reliable) ?? false),
      silence: () => {
        isSilent = true;
      },
      close: () => {
        if (isOver) return;
        finish();
        if (!isSilent) wire?.close();
      },
      cut: () => {
        if (!isSilent) wire?.cut();
        fail('cut');
      },
      meet: (met) => {
        wire = met;
        cancelCall();
        cancelOpen();
        met.open({
          onPacket: (packet, reliable) => {
            if (!isSilent) handlers.onPacket(packet, reliable);
          },
          onWritable: () => handlers.onWritable(),
          onClosed: fail,
        });
        handlers.onOpen();
      },
      handleSignal: (payload) => {
        const other = this.#ends.get(new DataView(payload.buffer, payload.byteOffset).getUint32(1));
        if (isOver || wire || !other || this.#blocked.has(pair(local, remote))) return;
        if (payload[0] === Signal.Call) sendSignal(signal(Signal.Answer, number));
        else if (!other.isOpen) this.#join(end, other);
      },
    };
    const call = (): void => {
      sendSignal(signal(Signal.Call, number));
      cancelCall = this.#clock.after(CALL_INTERVAL_MS, call);
    };
    let cancelCall = (): void => {};
    const cancelOpen = this.#clock.after(OPEN_MS, () => fail('no route'));
    this.#ends.set(number, end);
    if (local < remote) cancelCall = this.#clock.after(1, call);
    return end;
  }

  #join(a: End, b: End): void {
    const conditions = { latencyMs: 20, jitterMs: 10, loss: 0.02, duplicate: 0.02 };
    const [ofA, ofB] = SimWire.pair(this.#clock, conditions, this.#seed++);
    this.opened++;
    a.meet(ofA);
    b.meet(ofB);
  }
}

function pair(a: number, b: number): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

function signal(kind: number, end: number): Uint8Array {
  const bytes = new Uint8Array(5);
  bytes[0] = kind;
  new DataView(bytes.buffer).setUint32(1, end);
  return bytes;
}
