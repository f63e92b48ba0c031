import { type Millis, WakeQueue } from '../base/index.ts';
import type { AddressKind, AddressTable } from './address.ts';
import type { ClientHandshake } from './client-handshake.ts';
import type { GnsConnection } from './connection.ts';
import { drawConnectionId } from './connection-id.ts';

/** So many places of members already taken are given back at once. */
const MAX_TAKEN = 1024;

/** A connection at an address. */
export interface Member<Address> {
  readonly home: Members<Address>;
  readonly connection: GnsConnection;
  readonly address: Address;
  readonly client: ClientHandshake | undefined;
  /** `identity#id` of a connection that came to us. */
  readonly key: string | undefined;
  /** The client's timestamp and when it came. */
  readonly asked: { readonly timestamp: bigint; readonly at: Millis } | undefined;
  /** Handshake packets to send before anything else. */
  readonly outbox: Uint8Array[];
  /** Is it one of the endpoint's, still? */
  isHere: boolean;
  isTouched: boolean;
  wakeAt: Millis;
  queueIndex: number;
}

export type NewMember<Address> = Omit<
  Member<Address>,
  'home' | 'outbox' | 'isHere' | 'isTouched' | 'wakeAt' | 'queueIndex'
>;

/** An endpoint's connections: by address, by remote id, and by when they want to be woken. */
export class Members<Address> {
  readonly #byAddress: AddressTable<Address, Member<Address>>;
  #count = 0;
  readonly #byRemote = new Map<string, Member<Address>>();
  /** Low halves of the ids in use: GNS keeps them unique in a process. */
  readonly #lowIds = new Set<number>();
  readonly #queue = new WakeQueue<Member<Address>>();
  /** First in, first out: what stands before `#taken` was taken. */
  readonly #touched: Member<Address>[] = [];
  #taken = 0;

  constructor(kind: AddressKind<Address>) {
    this.#byAddress = kind.table();
  }

  get count(): number {
    return this.#count;
  }

  /** Members that wait to write. */
  get touchedCount(): number {
    return this.#touched.length - this.#taken;
  }

  /** When the next member is to be woken; Infinity for none. */
  get nextWakeAt(): Millis {
    return this.#queue.nextAt;
  }

  at(address: Address): Member<Address> | undefined {
    return this.#byAddress.get(address);
  }

  of(connection: GnsConnection): Member<Address> | undefined {
    // Only `add` sets it, of these members or another endpoint's.
    const member = connection.member as Member<Address> | undefined;
    return member?.home === this ? member : undefined;
  }

  hasRemote(key: string): boolean {
    return this.#byRemote.has(key);
  }

  add(parts: NewMember<Address>): Member<Address> {
    const { connection, address, client, key, asked } = parts;
    // No spread: it gives every member a shape of its own, and each packet looks at one.
    const member: Member<Address> = {
      home: this,
      connection,
      address,
      client,
      key,
      asked,
      outbox: [],
      isHere: true,
      isTouched: false,
      wakeAt: Number.POSITIVE_INFINITY,
      queueIndex: -1,
    };
    this.#byAddress.set(address, member);
    connection.member = member;
    this.#count += 1;
    if (key !== undefined) this.#byRemote.set(key, member);
    return member;
  }

  remove(member: Member<Address>): void {
    if (!member.isHere) return;
    member.isHere = false;
    this.#queue.remove(member);
    member.connection.member = undefined;
    this.#count -= 1;
    this.#lowIds.delete(member.connection.id & 0xffff);
    if (this.#byAddress.get(member.address) === member) this.#byAddress.delete(member.address);
    if (member.key !== undefined) this.#byRemote.delete(member.key);
  }

  /** Its datagrams are written with the next batch. */
  touch(member: Member<Address>): void {
    if (member.isTouched) return;
    member.isTouched = true;
    this.#touched.push(member);
  }

  /** The one that was touched first, which is not touched any more. */
  shiftTouched(): Member<Address> | undefined {
    const member = this.#touched[this.#taken];
    if (member === undefined) return undefined;
    member.isTouched = false;
    this.#taken += 1;
    if (this.#taken === this.#touched.length || this.#taken === MAX_TAKEN) {
      this.#touched.splice(0, this.#taken);
      this.#taken = 0;
    }
    return member;
  }

  sleep(member: Member<Address>, until: Millis): void {
    this.#queue.set(member, until);
  }

  shiftDue(now: Millis): Member<Address> | undefined {
    return this.#queue.shiftDue(now);
  }

  drawId(randomBytes: (length: number) => Uint8Array): number {
    for (;;) {
      const id = drawConnectionId(randomBytes);
      if (this.#lowIds.has(id & 0xffff)) continue;
      this.#lowIds.add(id & 0xffff);
      return id;
    }
  }
}
