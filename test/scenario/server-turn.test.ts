import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { nodeCrypto, nodeLegacyCrypto } from 'partyline/node';
import {
  decodeErrorCode,
  decodeStun,
  decodeXorMappedAddress,
  encodeStun,
  findAttribute,
  longTermKey,
  PasswordAlgorithm,
  StreamSplitter,
  type StunAttribute,
  StunAttributeType,
  StunClass,
  type StunMessage,
  withMessageIntegrity,
  xorAddress,
} from 'partyline/protocol/stun';
import {
  channelNumber,
  channelPayload,
  requestedTransport,
  TRANSPORT_UDP,
  TurnAttributeType,
  TurnMethod,
  turnFrameLength,
  writeChannelData,
} from 'partyline/protocol/turn';
import { expect, test } from 'vitest';
import { ControlClient, testServer } from './control-client.ts';

const stunCrypto = { ...nodeCrypto, ...nodeLegacyCrypto };
const hello = new TextEncoder().encode('hello');

interface Credential {
  readonly urls: readonly string[];
  readonly username: string;
  readonly credential: string;
  readonly ttlSec: number;
}

/** A TURN client over one socket, as small as can be. */
class TurnProbe implements Disposable {
  readonly frames: Uint8Array[] = [];
  readonly #send: (bytes: Uint8Array) => void;
  readonly #close: () => void;
  readonly #credential: Credential;
  #nonce: Uint8Array = new Uint8Array();
  #realm: Uint8Array = new Uint8Array();
  #wake: () => void = () => {};

  static async open(credential: Credential, transport: 'udp' | 'tcp'): Promise<TurnProbe> {
    const url = credential.urls.find((candidate) => candidate.endsWith(transport));
    const [, host = '', port] = /^turn:(.*):(\d+)\?/.exec(url ?? '') ?? [];
    if (transport === 'tcp') {
      const socket: Socket = connect(Number(port), host);
      await once(socket, 'connect');
      const probe = new TurnProbe(
        credential,
        (b) => socket.write(b),
        () => socket.destroy(),
      );
      const splitter = new StreamSplitter(turnFrameLength, 2000);
      socket.on('data', (chunk) => splitter.split(chunk, (frame) => probe.#receive(frame.slice())));
      return probe;
    }
    const socket: UdpSocket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const send = (bytes: Uint8Array): void => socket.send(bytes, Number(port), host);
    const probe = new TurnProbe(credential, send, () => socket.close());
    socket.on('message', (bytes) => probe.#receive(bytes));
    return probe;
  }

  private constructor(credential: Credential, send: (b: Uint8Array) => void, close: () => void) {
    this.#credential = credential;
    this.#send = send;
    this.#close = close;
  }

  send(bytes: Uint8Array): void {
    this.#send(bytes);
  }

  async next(): Promise<Uint8Array> {
    for (;;) {
      const frame = this.frames.shift();
      if (frame) return frame;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async ask(
    method: number,
    attributes: (transactionId: Uint8Array) => StunAttribute[],
  ): Promise<StunMessage> {
    const transactionId = nodeCrypto.randomBytes(12);
    const { username, credential: password } = this.#credential;
    const message = encodeStun({
      class: StunClass.Request,
      method,
      transactionId,
      attributes: [
        ...attributes(transactionId),
        { type: StunAttributeType.Username, value: new TextEncoder().encode(username) },
        { type: StunAttributeType.Realm, value: this.#realm },
        { type: StunAttributeType.Nonce, value: this.#nonce },
      ],
    });
    const realm = new TextDecoder().decode(this.#realm);
    const key = longTermKey(stunCrypto, { username, realm, password }, PasswordAlgorithm.Md5);
    this.send(withMessageIntegrity(stunCrypto, message, key, 'sha1'));
    return decodeStun(await this.next());
  }

  /** 401 first, as everybody. Gives the relayed address, or the error. */
  async allocate(): Promise<{ host: string; port: number } | number> {
    const transactionId = nodeCrypto.randomBytes(12);
    const transport = requestedTransport(TRANSPORT_UDP);
    const bare = { class: StunClass.Request, method: TurnMethod.Allocate, transactionId };
    this.send(encodeStun({ ...bare, attributes: [transport] }));
    const challenge = decodeStun(await this.next());
    this.#realm = findAttribute(challenge, StunAttributeType.Realm) ?? this.#realm;
    this.#nonce = findAttribute(challenge, StunAttributeType.Nonce) ?? this.#nonce;
    const answer = await this.ask(TurnMethod.Allocate, () => [transport]);
    const relayed = findAttribute(answer, TurnAttributeType.XorRelayedAddress);
    return relayed ? decodeXorMappedAddress(relayed, answer.transactionId) : codeOf(answer);
  }

  [Symbol.dispose](): void {
    this.#close();
  }

  #receive(frame: Uint8Array): void {
    this.frames.push(new Uint8Array(frame)); // a Buffer prints and compares differently
    this.#wake();
  }
}

function codeOf(message: StunMessage): number {
  const value = findAttribute(message, StunAttributeType.ErrorCode);
  return value ? decodeErrorCode(value).code : 0;
}

async function bind(probe: TurnProbe, peer: { host: string; port: number }): Promise<number> {
  const answer = await probe.ask(TurnMethod.ChannelBind, (id) => [
    channelNumber(0x4000),
    xorAddress(TurnAttributeType.XorPeerAddress, peer, id),
  ]);
  return codeOf(answer);
}

function channelData(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((4 + payload.length + 3) & ~3);
  writeChannelData(bytes, 0, 0x4000, payload, true);
  return bytes;
}

test('two players, one by UDP and one by the API’s own port, talk through the relay', async () => {
  await using server = await testServer();
  const alice = await ControlClient.open(server.url);
  const bob = await ControlClient.open(server.url);
  await alice.login();
  await bob.login();
  const ofAlice: Credential = await alice.call('session.iceServers', {});
  const ofBob: Credential = await bob.call('session.iceServers', {});
  expect(ofAlice.urls).toEqual([
    `turn:127.0.0.1:${server.stunPort}?transport=udp`,
    `turn:127.0.0.1:${server.port}?transport=tcp`,
  ]);
  expect(ofAlice.username).toMatch(/^\d+:arena:g[a-z2-7]{26}:[\w-]{16}$/);
  using a = await TurnProbe.open(ofAlice, 'udp');
  using b = await TurnProbe.open(ofBob, 'tcp');
  const toAlice = await a.allocate();
  const toBob = await b.allocate();
  if (typeof toAlice === 'number' || typeof toBob === 'number') throw new Error('no allocation');
  expect(await bind(a, toBob)).toBe(0);
  expect(await bind(b, toAlice)).toBe(0);
  a.send(channelData(hello));
  expect(channelPayload(await b.next())).toEqual(hello);
  b.send(channelData(hello));
  expect(channelPayload(await a.next())).toEqual(hello);
  // The server itself is no peer, nor anything else on this machine.
  for (const port of [server.port, 22]) {
    expect(await bind(a, { host: '127.0.0.1', port })).toBe(403);
  }
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect(server.stats().turn).toMatchObject({ allocations: 2, streams: 1 });
});

test('without a login there is no credential, and a made-up one opens nothing', async () => {
  await using server = await testServer();
  const stranger = await ControlClient.open(server.url);
  await expect(stranger.call('session.iceServers', {})).rejects.toThrow('AUTH_REQUIRED');
  await stranger.login();
  const real: Credential = await stranger.call('session.iceServers', {});
  const expired = real.username.replace(/^\d+/, '1000');
  for (const username of [expired, 'somebody', `${real.username}x`]) {
    using probe = await TurnProbe.open({ ...real, username }, 'udp');
    expect(await probe.allocate()).toBe(401);
  }
});

test('a logout ends what the session has allocated, and its credential', async () => {
  await using server = await testServer();
  const alice = await ControlClient.open(server.url);
  await alice.login();
  const credential: Credential = await alice.call('session.iceServers', {});
  using probe = await TurnProbe.open(credential, 'udp');
  expect(await probe.allocate()).toMatchObject({ host: '127.0.0.1' });
  expect(codeOf(await probe.ask(TurnMethod.Refresh, () => []))).toBe(0);
  await alice.call('session.logout', {});
  expect(server.stats().turn?.allocations).toBe(0);
  expect(codeOf(await probe.ask(TurnMethod.Refresh, () => []))).toBe(401);
  expect(await probe.allocate()).toBe(401);
});

test('a session that is lost keeps its allocation until it cannot be resumed any more', async () => {
  await using server = await testServer({ seatHoldMs: 300 });
  const alice = await ControlClient.open(server.url);
  await alice.login();
  using probe = await TurnProbe.open(await alice.call('session.iceServers', {}), 'udp');
  await probe.allocate();
  alice.ws.terminate();
  await expect.poll(() => server.stats().sockets).toBe(0);
  expect(server.stats().turn?.allocations).toBe(1);
  await expect.poll(() => server.stats().turn?.allocations, { timeout: 5000 }).toBe(0);
});

test('another relay can stand in: its addresses, with credentials that its secret signs', async () => {
  const urls = ['turn:turn.example.com:3478?transport=udp'];
  const secret = 'what coturn has as static-auth-secret';
  await using server = await testServer({ turn: { urls, secret } });
  const alice = await ControlClient.open(server.url);
  await alice.login();
  const given: Credential = await alice.call('session.iceServers', {});
  expect(given.urls).toEqual(urls);
  const mac = nodeLegacyCrypto.hmacSha1(
    new TextEncoder().encode(secret),
    new TextEncoder().encode(given.username),
  );
  expect(given.credential).toBe(Buffer.from(mac).toString('base64'));
  expect(server.stats().turn).toBeUndefined();
});
