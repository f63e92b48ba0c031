import { WakeQueue } from '../../base/index.ts';
import type { GnsConnection } from '../connection.ts';
import { drawConnectionId } from '../connection-id.ts';
import type { P2pLink, P2pPorts } from './p2p-link.ts';

/** An endpoint's P2P connections: by our id, by the other side's, and by when they want to be woken. */
export class P2pLinks {
  readonly queue: WakeQueue<P2pLink> = new WakeQueue<P2pLink>();
  readonly #byId = new Map<number, P2pLink>();
  readonly #byConnection = new Map<GnsConnection, P2pLink>();
  readonly #byRemote = new Map<string, P2pLink>();
  readonly #byIdentity = new Map<string, Set<P2pLink>>();
  readonly #waiting = new Set<P2pLink>();
  /** Low halves of the ids in use: GNS keeps them unique in a process. */
  readonly #lowIds = new Set<number>();
  #touched: P2pLink[] = [];

  get count(): number {
    return this.#byId.size;
  }

  /** Those that wait to be accepted. */
  get waiting(): number {
    return this.#waiting.size;
  }

  get hasTouched(): boolean {
    return this.#touched.length > 0;
  }

  withId(id: number): P2pLink | undefined {
    return this.#byId.get(id);
  }

  of(connection: GnsConnection): P2pLink | undefined {
    return this.#byConnection.get(connection);
  }

  withRemote(identity: string, id: number): P2pLink | undefined {
    return this.#byRemote.get(remoteKey(identity, id));
  }

  /** One that lives, between the same two ends. GNS `FindDuplicateConnection`. */
  between(ports: P2pPorts, mustBeSymmetric: boolean): P2pLink | undefined {
    for (const link of this.#byIdentity.get(ports.remoteIdentity) ?? []) {
      const isAlive = link.connection.isActive || link.connection.state === 'connecting';
      const isSame =
        link.ports.localVirtualPort === ports.localVirtualPort &&
        link.ports.remoteVirtualPort === ports.remoteVirtualPort;
      if (isAlive && isSame && (link.isSymmetric || !mustBeSymmetric)) return link;
    }
    return undefined;
  }

  add(link: P2pLink): void {
    this.#byId.set(link.connection.id, link);
    this.#byConnection.set(link.connection, link);
    const { remoteIdentity } = link.ports;
    const sameIdentity = this.#byIdentity.get(remoteIdentity) ?? new Set();
    this.#byIdentity.set(remoteIdentity, sameIdentity.add(link));
    if (link.connection.role === 'server') this.#waiting.add(link);
  }

  /** Its state may have changed, or the other side's id be known: requests repeated under that find it. */
  update(link: P2pLink): void {
    const { connection, remoteId, ports } = link;
    if (connection.state !== 'connecting') this.#waiting.delete(link);
    if (remoteId !== 0) this.#byRemote.set(remoteKey(ports.remoteIdentity, remoteId), link);
  }

  remove(link: P2pLink): void {
    const { connection, ports, remoteId } = link;
    const key = remoteKey(ports.remoteIdentity, remoteId);
    this.queue.remove(link);
    this.#byId.delete(connection.id);
    this.#byConnection.delete(connection);
    this.#lowIds.delete(connection.id & 0xffff);
    if (this.#byRemote.get(key) === link) this.#byRemote.delete(key);
    this.#waiting.delete(link);
    const sameIdentity = this.#byIdentity.get(ports.remoteIdentity);
    sameIdentity?.delete(link);
    if (sameIdentity?.size === 0) this.#byIdentity.delete(ports.remoteIdentity);
  }

  touch(link: P2pLink): void {
    if (link.isTouched) return;
    link.isTouched = true;
    this.#touched.push(link);
  }

  /** Those touched, which are no longer. */
  takeTouched(): readonly P2pLink[] {
    const touched = this.#touched;
    this.#touched = [];
    for (const link of touched) link.isTouched = false;
    return touched;
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

function remoteKey(identity: string, id: number): string {
  return `${identity}#${id}`;
}
