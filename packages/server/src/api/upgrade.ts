import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CONTROL_SUBPROTOCOL, limits, RELAY_SUBPROTOCOL } from '@partyline/protocol';
import { FRAME_HEADER_BYTES } from 'partyline/protocol/signaling';
import {
  MAX_TURN_FRAME_BYTES,
  TURN_SUBPROTOCOL,
  TURN_WEB_SOCKET_PATH,
} from 'partyline/protocol/turn';
import { WebSocket, WebSocketServer } from 'ws';
import { addressKey, Outbox } from '../base/index.ts';
import type { Seat } from '../lobby/index.ts';
import { CLOSE } from './close-codes.ts';
import type { ControlSession } from './control-session.ts';
import { type Client, ControlSocket, MAX_CONTROL_FRAME_BYTES } from './control-socket.ts';
import type { Services } from './services.ts';

class ServerSocket extends WebSocket {
  /** What was sent before a close leaves before it. */
  outbox: Outbox | undefined;

  /** `ws` closes with 1009 and no reason when a frame is over its limit; people get one. */
  override close(code?: number, reason?: string | Buffer): void {
    this.outbox?.flush();
    const tooLarge = code === 1009 && reason === undefined;
    super.close(code, tooLarge ? 'REQUEST_TOO_LARGE: docs/limits.md has the sizes' : reason);
  }
}

const common = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false, // a zlib context costs each idle player more than deflating saves
  WebSocket: ServerSocket,
} as const;

/** Turns HTTP upgrades into control and relay sockets, and counts them. */
export class SocketDoor {
  readonly #services: Services;
  readonly #control = new WebSocketServer({
    ...common,
    maxPayload: MAX_CONTROL_FRAME_BYTES,
    handleProtocols: () => CONTROL_SUBPROTOCOL,
  });
  readonly #relay = new WebSocketServer({
    ...common,
    maxPayload: limits.relayPacketBytes + FRAME_HEADER_BYTES,
    handleProtocols: () => RELAY_SUBPROTOCOL,
  });
  readonly #turn = new WebSocketServer({
    ...common,
    maxPayload: MAX_TURN_FRAME_BYTES,
    handleProtocols: () => TURN_SUBPROTOCOL,
  });
  readonly #perAddress = new Map<string, number>();
  readonly #controls = new Set<ControlSocket>();
  readonly #open = new Set<WebSocket>();
  #isClosing = false;

  constructor(services: Services) {
    this.#services = services;
  }

  /** WebSockets open now. */
  get size(): number {
    return this.#open.size;
  }

  /** For the HTTP server's `upgrade` event. */
  handleUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    stream.on('error', () => stream.destroy()); // until `ws` takes it over
    const socket = stream as Socket; // Node: a net.Socket unless the server was given another stream
    const client = clientOf(request, socket, this.#services.config.trustedProxies);
    const refusal = this.#refusal(client);
    if (refusal) {
      refuse(stream, refusal.status, refusal.text);
      return;
    }
    const offered = (request.headers['sec-websocket-protocol'] ?? '')
      .split(',')
      .map((p) => p.trim());
    const path = request.url?.split('?', 1)[0];
    if (path === '/v1') this.#openControl(request, socket, head, offered, client);
    else if (path === '/v1/relay') this.#openRelay(request, socket, head, offered, client);
    else if (path === TURN_WEB_SOCKET_PATH) this.#openTurn(request, socket, head, offered, client);
    else refuse(stream, '404 Not Found', 'WebSockets are at /v1, /v1/relay and /v1/turn');
  }

  /** Ends the sessions of a player (`app:player`) that have a socket, for good; how many there were. */
  async kick(player: string): Promise<number> {
    const sockets = [...this.#controls].filter(
      (control) => control.hasSession && nameOf(control.session) === player,
    );
    for (const control of sockets) {
      await control.session.logout();
      control.end('SESSION_EXPIRED', 'the operator ended this session');
    }
    return sockets.length;
  }

  /** Tells every session, closes every socket, and gives up waiting after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosing = true;
    for (const control of this.#controls) {
      if (control.hasSession) control.end('SERVER_SHUTTING_DOWN', 'the server is going down');
    }
    for (const ws of this.#open) {
      ws.resume(); // a paused one would never read the other side's close
      ws.close(CLOSE.shuttingDown, 'SERVER_SHUTTING_DOWN');
    }
    const closed = Promise.all(
      [...this.#open].map((ws) => new Promise((done) => ws.on('close', done))),
    );
    const { clock } = this.#services;
    await Promise.race([closed, new Promise<void>((done) => clock.after(timeoutMs, done))]);
    for (const ws of this.#open) ws.terminate();
  }

  #refusal({ addressKey: key }: Client): { status: string; text: string } | undefined {
    const { sockets, socketsPerAddress } = this.#services.config.limits;
    if (this.#isClosing || this.#open.size >= sockets) {
      return { status: '503 Service Unavailable', text: 'no room for another socket' };
    }
    if ((this.#perAddress.get(key) ?? 0) >= socketsPerAddress) {
      return { status: '429 Too Many Requests', text: 'too many sockets of your address' };
    }
    return undefined;
  }

  #openControl(
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    offered: readonly string[],
    client: Client,
  ): void {
    if (!offered.includes(CONTROL_SUBPROTOCOL)) {
      refuse(socket, '400 Bad Request', `offer the subprotocol ${CONTROL_SUBPROTOCOL}`);
      return;
    }
    socket.cork(); // the handshake's answer and the greeting leave in one system call
    this.#control.handleUpgrade(request, socket, head, (ws) => {
      this.#track(ws, client);
      const outbox = outboxOf(ws, socket);
      const control = new ControlSocket(this.#services, ws, outbox, client);
      this.#controls.add(control);
      ws.on('close', () => this.#controls.delete(control));
      control.greet();
      outbox.flush();
    });
    socket.uncork();
  }

  #openRelay(
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    [protocol, ticket]: readonly string[],
    client: Client,
  ): void {
    if (protocol !== RELAY_SUBPROTOCOL || ticket === undefined) {
      refuse(socket, '400 Bad Request', `offer ${RELAY_SUBPROTOCOL}, then the ticket`);
      return;
    }
    const { tickets, lobbies, relay } = this.#services;
    const seat = tickets.redeem(ticket);
    const isSeated = (s: Seat): boolean => lobbies.seats.find(s.session.app, s.member) === s;
    if (!seat || !isSeated(seat)) {
      refuse(socket, '401 Unauthorized', 'no such ticket');
      return;
    }
    this.#relay.handleUpgrade(request, socket, head, (ws) => {
      this.#track(ws, client);
      relay.attach(seat, ws, outboxOf(ws, socket));
    });
  }

  /** TURN has credentials of its own, and asks for them. */
  #openTurn(
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    offered: readonly string[],
    client: Client,
  ): void {
    const relay = this.#services.turnRelay();
    if (!relay) {
      refuse(socket, '404 Not Found', 'TURN is off, or another server’s');
      return;
    }
    if (!offered.includes(TURN_SUBPROTOCOL)) {
      refuse(socket, '400 Bad Request', `offer the subprotocol ${TURN_SUBPROTOCOL}`);
      return;
    }
    const host = client.address;
    this.#turn.handleUpgrade(request, socket, head, (ws) => {
      this.#track(ws, client);
      const { remotePort: port } = socket;
      if (port === undefined || isIP(host) === 0)
        ws.terminate(); // gone, or its proxy names no address
      else relay.webSockets.accept(ws, outboxOf(ws, socket), { host, port });
    });
  }

  #track(ws: WebSocket, { addressKey: key }: Client): void {
    this.#open.add(ws);
    this.#perAddress.set(key, (this.#perAddress.get(key) ?? 0) + 1);
    this.#services.keepAlive.watch(ws);
    ws.on('error', (error) => {
      this.#services.logger.debug({ err: error.message }, 'socket failed'); // close follows
    });
    ws.on('close', () => {
      this.#open.delete(ws);
      const left = (this.#perAddress.get(key) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(key, left);
      else this.#perAddress.delete(key);
    });
  }
}

function nameOf({ app, record }: ControlSession): string {
  return `${app.id}:${record.player}`;
}

function outboxOf(ws: ServerSocket, socket: Socket): Outbox {
  ws.outbox = new Outbox(ws, socket);
  return ws.outbox;
}

function clientOf(request: IncomingMessage, socket: Socket, trustedProxies: number): Client {
  const forwarded = request.headers['x-forwarded-for'];
  const hops = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? '')).split(',');
  // Our own proxies wrote the last entries; what stands before them anybody can write.
  const proxied = trustedProxies > 0 ? hops.at(-trustedProxies)?.trim() : undefined;
  const address = proxied || (socket.remoteAddress ?? '');
  return {
    address,
    addressKey: addressKey(address),
    webOrigin: request.headers.origin,
    localAddress: socket.localAddress ?? '',
    localPort: socket.localPort ?? 0,
  };
}

function refuse(stream: Duplex, status: string, text: string): void {
  // Node's HTTP sockets stay half open: a client that never ends its side would keep this one, uncounted.
  stream.once('finish', () => stream.destroy());
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8`;
  stream.end(`${head}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}
