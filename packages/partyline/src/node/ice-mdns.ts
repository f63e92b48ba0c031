import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';
import { DecodeError } from '../base/index.ts';
import {
  decodeMdnsAddresses,
  encodeMdnsQuery,
  iceLimits,
  MDNS_GROUP,
  MDNS_PORT,
} from '../ice/index.ts';

/** RFC 6762 §5.2: the second question a second after the first, and one in between for Wi-Fi's sake. */
const QUESTIONS_AT_MS = [0, 250, 1000];
const TIMEOUT_MS = 3000;

interface Question {
  readonly name: string;
  answer(hosts: readonly string[]): void;
}

/**
 * Finds the addresses behind the names that browsers tell instead of them (`….local`). Listens while a
 * name is being resolved, on every interface, by IPv4.
 */
export class MdnsResolver {
  readonly #questions = new Set<Question>();
  #socket: Promise<Socket> | undefined;

  /** The addresses; none when nobody answers within 3 s, or too many names are asked at once. */
  async resolve(name: string, interfaces: readonly string[]): Promise<readonly string[]> {
    if (this.#questions.size >= iceLimits.mdnsNames) return [];
    let question: Question | undefined;
    const timers: NodeJS.Timeout[] = [];
    try {
      return await new Promise<readonly string[]>((answer) => {
        question = { name: name.toLowerCase(), answer };
        this.#questions.add(question);
        for (const delay of QUESTIONS_AT_MS) {
          timers.push(setTimeout(() => void this.#ask(name, interfaces), delay));
        }
        timers.push(setTimeout(() => answer([]), TIMEOUT_MS));
      });
    } finally {
      for (const timer of timers) clearTimeout(timer);
      if (question !== undefined) this.#questions.delete(question);
      if (this.#questions.size === 0) this.close();
    }
  }

  /** Whoever waits is told that there is no address. */
  close(): void {
    for (const { answer } of this.#questions) answer([]);
    const closing = this.#socket;
    this.#socket = undefined;
    void closing?.then(
      (socket) => socket.close(),
      () => {}, // it never opened
    );
  }

  async #ask(name: string, interfaces: readonly string[]): Promise<void> {
    const hosts = interfaces.filter((host) => isIPv4(host));
    try {
      this.#socket ??= this.#open(hosts);
      const socket = await this.#socket;
      for (const host of hosts) {
        try {
          socket.setMulticastInterface(host);
          socket.send(encodeMdnsQuery(name), MDNS_PORT, MDNS_GROUP);
        } catch {
          // The interface is gone, or closed meanwhile; others may answer.
        }
      }
    } catch {
      this.#socket = undefined; // no multicast here: the question times out
    }
  }

  async #open(interfaces: readonly string[]): Promise<Socket> {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    socket.on('message', (bytes) => this.#hear(bytes));
    const bound = once(socket, 'listening');
    socket.bind(MDNS_PORT);
    await bound;
    socket.on('error', () => {}); // a refused datagram is as good as a lost one
    for (const host of interfaces) {
      try {
        socket.addMembership(MDNS_GROUP, host);
      } catch {
        // Two addresses of one interface: it is a member already.
      }
    }
    return socket;
  }

  #hear(bytes: Uint8Array): void {
    try {
      const found = decodeMdnsAddresses(bytes);
      for (const { name, answer } of this.#questions) {
        const hosts = found.filter((one) => one.name === name).map(({ host }) => host);
        if (hosts.length > 0) answer(hosts);
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  }
}
