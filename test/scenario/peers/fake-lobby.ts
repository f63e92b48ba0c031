import { Emitter, NetError } from '../../../packages/partyline/src/base/index.ts';
import type { LobbyEvents, LobbyMember } from '../../../packages/partyline/src/client/index.ts';
import { createNobleCrypto } from '../../../packages/partyline/src/crypto/index.ts';
import { nobleSealing } from '../../../packages/partyline/src/crypto/sealing/index.ts';
import type { PeerEnvironment, PeerLobby } from '../../../packages/partyline/src/peers/index.ts';
import type { SignalingEvents } from '../../../packages/partyline/src/signaling/index.ts';
import { seededBytes, type VirtualClock } from '../../../packages/partyline/src/testing/index.ts';
import { FakeDirect } from './fake-direct.ts';
import { FakeRelay } from './fake-relay.ts';

const crypto = createNobleCrypto({ randomBytes: seededBytes(3) });

export interface Seat {
  readonly lobby: PeerLobby;
  readonly environment: PeerEnvironment;
  readonly events: Emitter<LobbyEvents>;
}

/** A lobby in memory, seen from each of its members: what the server would say is said by its methods. */
export class FakeLobby {
  readonly relay: FakeRelay;
  readonly seats = new Map<number, Seat>();
  /** Drops signals, as a bad network. */
  passesSignal: () => boolean = () => true;
  /** When each copy of a signal arrives, in milliseconds from now. */
  signalDelays: () => readonly number[] = () => [5];
  /** What plays the part of GNS, where members have it. */
  readonly direct: FakeDirect;
  #members: LobbyMember[] = [];
  #owner = 0;
  #epoch = 1;
  readonly #clock: VirtualClock;
  readonly #signaling = new Map<number, Emitter<SignalingEvents>>();
  /** Of each member, what runs now. */
  readonly #processes = new Map<number, { end(): void }>();

  constructor(clock: VirtualClock) {
    this.#clock = clock;
    this.relay = new FakeRelay(clock);
    this.direct = new FakeDirect(clock);
  }

  /** The first one is the owner. */
  join(id: number, capabilities: readonly string[] = ['relay']): Seat {
    const member: LobbyMember = {
      id,
      player: `g${'a'.repeat(26)}`,
      name: `Player ${id}`,
      peer: this.#owner === 0 ? 1 : id + 100,
      connected: true,
      ready: false,
      data: {},
      cert: '',
      proof: 'key',
      capabilities: [...capabilities],
    };
    this.#owner ||= id;
    this.#members = [...this.#members, member];
    const seat = this.#seat(id);
    this.seats.set(id, seat);
    this.#tell('memberJoined', { member });
    return seat;
  }

  leave(id: number, cause: 'left' | 'kicked' = 'left', reason = ''): void {
    const member = this.#member(id);
    this.#members = this.#members.filter((other) => other.id !== id);
    const seat = this.seats.get(id);
    this.seats.delete(id);
    this.#tell('memberLeft', { member, cause, reason });
    seat?.events.emit('closed', { code: cause, reason });
    if (this.#owner === id) this.#migrate();
  }

  disconnect(id: number): void {
    this.#change(id, { connected: false });
    this.#tell('memberDisconnected', { member: this.#member(id) });
    if (this.#owner === id) this.#migrate();
  }

  reconnect(id: number): void {
    this.#change(id, { connected: true });
    this.#tell('memberReconnected', { member: this.#member(id) });
  }

  /** Its process is gone without a word: no signal, no packet comes from it or arrives there any more. */
  silence(id: number): void {
    this.#processes.get(id)?.end();
    this.direct.silence(id);
    this.relay.silence(id);
  }

  /** Another process of the member that takes its seat over. */
  renew(id: number): Seat {
    const seat = this.#seat(id);
    this.seats.set(id, seat);
    return seat;
  }

  setOwner(id: number): void {
    this.#owner = id;
    this.#epoch++;
    this.#members = this.#members.map((member) => ({
      ...member,
      peer: member.id === id ? 1 : member.id + 100 * this.#epoch,
    }));
    this.#tell('ownerChanged', { owner: this.#member(id), epoch: this.#epoch });
  }

  #migrate(): void {
    const next = this.#members.find((member) => member.connected);
    if (next) this.setOwner(next.id);
  }

  #seat(id: number): Seat {
    const events = new Emitter<LobbyEvents>();
    const signals = new Emitter<SignalingEvents>();
    this.#signaling.set(id, signals);
    const fake = this;
    let isAlive = true;
    const end = (): void => {
      isAlive = false;
      if (this.#signaling.get(id) === signals) this.#signaling.delete(id);
    };
    this.#processes.set(id, { end });
    const key = (of: number): Uint8Array => new Uint8Array(32).fill(of);
    const lobby = {
      id: 'lobby',
      app: 'game',
      relayUrl: 'ws://server/v1/relay',
      get epoch(): number {
        return fake.#epoch;
      },
      get me(): LobbyMember {
        return fake.#member(id);
      },
      get owner(): LobbyMember {
        return fake.#member(fake.#owner);
      },
      get isOwner(): boolean {
        return fake.#owner === id;
      },
      get isClosed(): boolean {
        return !fake.seats.has(id);
      },
      get members(): readonly LobbyMember[] {
        return fake.#members;
      },
      member: (other: number) => fake.#members.find((member) => member.id === other),
      events,
      signaling: {
        events: signals,
        send: (to: number, payload: Uint8Array) => {
          if (isAlive) fake.#signal(id, to, payload);
        },
      },
      relayTicket: async () => 'ticket',
      identityOf: (of: number) => ({
        identity: `str:${of}`,
        publicKey: crypto.ed25519PublicKey(key(fake.#member(of).id)),
        timeExpirySec: 2 ** 40,
      }),
      sign: (envelope: Uint8Array) => crypto.ed25519Sign(key(id), envelope),
    };
    const environment: PeerEnvironment = {
      crypto,
      scheduler: this.#clock,
      sockets: this.relay.socketsOf(id, () => isAlive),
      loadSealing: async () => nobleSealing,
      createPeerConnection: undefined,
      openGns: (member, handlers, sendSignal) => this.direct.open(id, member, handlers, sendSignal),
    };
    return { lobby, environment, events };
  }

  #signal(from: number, to: number, payload: Uint8Array): void {
    if (!this.passesSignal()) return;
    const epoch = this.#epoch;
    for (const delayMs of this.signalDelays()) {
      this.#clock.after(delayMs, () => {
        // As a real one: signed for its epoch and its member's key.
        const isGood = epoch === this.#epoch && this.#members.some((member) => member.id === from);
        if (isGood) this.#signaling.get(to)?.emit('signal', { from, payload });
      });
    }
  }

  #member(id: number): LobbyMember {
    const member = this.#members.find((other) => other.id === id);
    if (!member) throw new NetError('LOBBY_MEMBER_UNKNOWN', `no member ${id}`);
    return member;
  }

  #change(id: number, change: Partial<LobbyMember>): void {
    this.#members = this.#members.map((member) =>
      member.id === id ? { ...member, ...change } : member,
    );
  }

  #tell<K extends keyof LobbyEvents>(name: K, event: LobbyEvents[K]): void {
    for (const { events } of [...this.seats.values()]) events.emit(name, event);
  }
}
