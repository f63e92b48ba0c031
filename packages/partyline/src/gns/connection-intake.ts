import { DecodeError, type Millis } from '../base/index.ts';
import type { ConnectionLife } from './connection-life.ts';
import type { PacketExchange } from './packet-exchange.ts';
import { PacketOrder } from './packet-order.ts';
import type { DropCounts } from './packet-receiver.ts';
import { DATA_PACKET, PacketType } from './protocol.ts';

export interface IntakeSetup {
  readonly life: ConnectionLife;
  readonly exchange: PacketExchange;
  /** Read at each packet. */
  readonly config: { readonly outOfOrderCorrectionMs: number };
}

/** Datagrams of a connection: in which order they are processed, and what they do to its life. */
export class ConnectionIntake {
  readonly #life: ConnectionLife;
  readonly #exchange: PacketExchange;
  readonly #config: IntakeSetup['config'];
  readonly #order = new PacketOrder();

  constructor(setup: IntakeSetup) {
    this.#life = setup.life;
    this.#exchange = setup.exchange;
    this.#config = setup.config;
  }

  /** When a packet that waits for another waits no longer; Infinity for none. */
  get until(): Millis {
    return this.#order.until;
  }

  /** Takes a datagram of type data, 36 or 37; the memory is the caller's again afterwards. */
  take(now: Millis, datagram: Uint8Array): void {
    if ((datagram[0] ?? 0) < DATA_PACKET) {
      this.#takeEnd(now, datagram);
      return;
    }
    const { numbers } = this.#exchange.receiver;
    const { outOfOrderCorrectionMs: windowMs } = this.#config;
    const turn = this.#order.turnOf(now, datagram, numbers.newest, windowMs);
    if (turn === 'later') return;
    if (turn === 'afterHeld') this.takeHeld(now);
    this.#takePacket(now, datagram);
    if (turn !== 'beforeHeld') return;
    numbers.outOfOrderCorrected += 1;
    this.takeHeld(now);
  }

  /** The packet that waits is processed now, whatever it waits for. */
  takeHeld(now: Millis): void {
    const held = this.#order.shift();
    if (held !== undefined) this.#takePacket(now, held);
  }

  /** Counts a datagram that was not processed. */
  drop(why: keyof DropCounts): void {
    this.#exchange.receiver.drops[why] += 1;
  }

  #takeEnd(now: Millis, datagram: Uint8Array): void {
    const life = this.#life;
    const type = datagram[0];
    try {
      const isOurs =
        (type === PacketType.ConnectionClosed && life.handleClosed(now, datagram)) ||
        (type === PacketType.NoConnection && life.handleNoConnection(now, datagram));
      if (!isOurs) this.drop('unexpected');
    } catch (error) {
      this.#countUnreadable(error);
    }
  }

  #takePacket(now: Millis, datagram: Uint8Array): void {
    try {
      this.#process(now, datagram);
    } catch (error) {
      this.#countUnreadable(error);
    }
  }

  /** @throws DecodeError */
  #process(now: Millis, datagram: Uint8Array): void {
    const life = this.#life;
    const exchange = this.#exchange;
    const plaintext = exchange.open(datagram);
    if (plaintext === undefined) return;
    if (!life.isActive) {
      life.answerStray();
      return;
    }
    const problem = exchange.take(now, plaintext);
    if (problem !== undefined) life.fail(now, problem.reason, problem.debug);
    else if (life.state === 'linger' && exchange.snp.isDelivered) life.endLinger(now);
  }

  #countUnreadable(error: unknown): void {
    if (!(error instanceof DecodeError)) throw error;
    this.drop('malformed');
  }
}
