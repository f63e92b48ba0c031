import type { ReceivedMessage } from 'partyline/protocol/snp';

/**
 * The native peer's message pattern (interop/gns-native/src/traffic.rs), so that each side can check
 * every byte of what the other one sends.
 */
export function patterned(
  size: number,
  counter: number,
  lane: number,
  reliable: boolean,
): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, counter, true);
  bytes[4] = lane;
  bytes[5] = reliable ? 1 : 0;
  view.setUint16(6, size & 0xffff, true);
  for (let i = 8; i < size; i++) bytes[i] = counter * 31 + i;
  return bytes;
}

interface LaneTally {
  reliable: number;
  unreliable: number;
}

/** Counts what came, and what was not as it should be. */
export class PatternTally {
  readonly lanes = new Map<number, LaneTally>();
  wrong = 0;

  count({ bytes, lane, isReliable }: ReceivedMessage): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const counter = bytes.length < 8 ? -1 : view.getUint32(0, true);
    const isMeantReliable = bytes[5] === 1;
    const expected = patterned(Math.max(8, bytes.length), counter, lane, isMeantReliable);
    const tally = this.lanes.get(lane) ?? { reliable: 0, unreliable: 0 };
    this.lanes.set(lane, tally);
    if (Buffer.compare(bytes, expected) !== 0 || (isMeantReliable && !isReliable)) this.wrong += 1;
    else if (!isMeantReliable) tally.unreliable += 1;
    else if (counter !== tally.reliable) this.wrong += 1;
    else tally.reliable += 1;
  }

  get reliable(): number {
    let sum = 0;
    for (const { reliable } of this.lanes.values()) sum += reliable;
    return sum;
  }
}
