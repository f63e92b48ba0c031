import type { RemoteInfo, Socket } from 'node:dgram';
import type { PortRange } from 'partyline/protocol/turn-server';
import { openUdp, sendUdp, widen } from './udp-sockets.ts';

/** Another relay of this machine, which has some of the ports of our relayed addresses. */
export interface Sibling {
  readonly ports: PortRange;
  /** Where its trunk is heard, on loopback. */
  readonly trunkPort: number;
}

const LOOPBACK = '127.0.0.1';

/**
 * What the allocations of several relays say to each other: over sockets of their own on loopback, so
 * that no relayed socket ever sends to this machine. A frame counts by the port it comes from, which
 * the sibling holds alone.
 */
export class SiblingTrunk {
  readonly #socket: Socket;
  #siblings: readonly Sibling[] = [];

  /** @throws the system's error */
  static async open(
    receive: (frame: Uint8Array) => void,
    onError: (error: Error) => void,
  ): Promise<SiblingTrunk> {
    const heard = (bytes: Uint8Array, from: RemoteInfo): void => {
      if (trunk.#isSibling(from)) receive(bytes);
    };
    const socket = await openUdp(LOOPBACK, 0, heard, onError);
    widen(socket);
    const trunk = new SiblingTrunk(socket);
    return trunk;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  setSiblings(siblings: readonly Sibling[]): void {
    this.#siblings = siblings;
  }

  /** To whoever relays at that port now; dropped when nobody does. True: the frame may still be here. */
  send(port: number, frame: Uint8Array): boolean {
    const sibling = this.#siblings.find(({ ports }) => port >= ports.min && port <= ports.max);
    return sibling !== undefined && sendUdp(this.#socket, frame, sibling.trunkPort, LOOPBACK);
  }

  close(): void {
    this.#socket.close();
  }

  #isSibling({ address, port }: RemoteInfo): boolean {
    return address === LOOPBACK && this.#siblings.some(({ trunkPort }) => trunkPort === port);
  }
}
