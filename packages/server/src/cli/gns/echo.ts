import type { Connection } from 'partyline/node';
import { SendFlag } from 'partyline/protocol/snp';
import { Intake, isOpen } from './traffic.ts';

const RETRY_MS = 2;

/** Sends every message back as it came: same lane, same reliability. `seen` hears of each first. */
export class Echo {
  readonly #connection: Connection;
  readonly #seen: (bytes: Uint8Array, lane: number, isReliable: boolean) => void;
  readonly #intake: Intake;
  #lanes = 1;
  #echoed = 0;

  constructor(
    connection: Connection,
    seen: (bytes: Uint8Array, lane: number, isReliable: boolean) => void = () => {},
  ) {
    this.#connection = connection;
    this.#seen = seen;
    this.#intake = new Intake(
      connection,
      (bytes, lane, isReliable) => this.#take(bytes, lane, isReliable),
      () => {
        if (isOpen(connection)) connection.flush();
      },
    );
  }

  get echoed(): number {
    return this.#echoed;
  }

  #take(bytes: Uint8Array, lane: number, isReliable: boolean): boolean {
    this.#seen(bytes, lane, isReliable);
    if (!isOpen(this.#connection)) return true;
    this.#needLane(lane);
    return this.#send(bytes, lane, isReliable);
  }

  #needLane(lane: number): void {
    if (lane < this.#lanes) return;
    this.#lanes = lane + 1;
    this.#connection.configureLanes(Array.from({ length: this.#lanes }, () => ({})));
  }

  /** False while the send buffer is full; it tries again by itself. */
  #send(bytes: Uint8Array, lane: number, isReliable: boolean): boolean {
    const flags = isReliable ? SendFlag.Reliable : SendFlag.Unreliable;
    if (this.#connection.send(bytes, flags, lane) > 0) {
      this.#echoed += 1;
      return true;
    }
    const retry = (): void => {
      if (!isOpen(this.#connection) || this.#send(bytes, lane, isReliable)) this.#intake.resume();
    };
    setTimeout(retry, RETRY_MS);
    return false;
  }
}
