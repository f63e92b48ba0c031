import { isIP, connect as netConnect, type Socket as Stream } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import type { Socket, SocketHandlers } from '../../client/index.ts';
import { FrameError, type FrameHandlers, FrameReader, NO_STATUS } from './frame-reader.ts';
import { clientFrame, Opcode } from './frame-writer.ts';
import { type Handshake, judgeAnswer, MAX_ANSWER_BYTES, newHandshake } from './handshake.ts';

/** How long a silent server can keep a closed socket, and with it the program, alive. */
const CLOSE_TIMEOUT_MS = 2000;
const END_OF_HEAD = '\r\n\r\n';
const NORMAL_CLOSURE = 1000;

/** All connections read into it, one at a time; what is kept is copied out. */
const readBuffer: Buffer = Buffer.allocUnsafeSlow(64 * 1024);

export interface WebSocketOptions {
  /** With the scheme `ws` or `wss`. */
  readonly url: URL;
  readonly protocols: readonly string[];
  /** Of one message of the server, in bytes. */
  readonly maxBytes: number;
}

/** A WebSocket of a client, RFC 6455 without extensions: docs/adr/0029. */
export class WebSocketClient implements Socket {
  readonly #stream: Stream;
  readonly #handlers: SocketHandlers;
  readonly #maxBytes: number;
  /** Until the server has answered: what was offered, and the beginning of the answer. */
  #opening: { readonly protocols: readonly string[]; readonly handshake: Handshake } | undefined;
  #answer: Buffer | undefined;
  #reader: FrameReader | undefined;
  /** Frames of this turn of the event loop: they leave in one system call, which costs more than all of the rest. */
  #unsent: Buffer[] = [];
  #unsentBytes = 0;
  #isClosing = false;
  #closeTimer: NodeJS.Timeout | undefined;
  #reason = '';

  constructor({ url, protocols, maxBytes }: WebSocketOptions, handlers: SocketHandlers) {
    this.#handlers = handlers;
    this.#maxBytes = maxBytes;
    this.#opening = { protocols, handshake: newHandshake(url, protocols) };
    this.#stream = openStream(url, {
      connected: () => this.#connected(),
      received: (bytes) => this.#received(bytes),
    });
    this.#stream.on('error', (error) => {
      this.#reason ||= error.message;
    });
    this.#stream.on('close', () => this.#closed());
  }

  get bufferedAmount(): number {
    return this.#stream.writableLength + this.#unsentBytes;
  }

  send(content: string | Uint8Array): void {
    if (!this.#reader || this.#isClosing) return;
    this.#write(typeof content === 'string' ? Opcode.Text : Opcode.Binary, content);
  }

  close(): void {
    this.#close(NORMAL_CLOSURE);
  }

  #connected(): void {
    this.#stream.setNoDelay(true);
    const { handshake } = this.#opening ?? {};
    if (handshake) this.#stream.write(handshake.request, 'latin1');
  }

  #received(bytes: Buffer): void {
    try {
      if (this.#opening) this.#receiveAnswer(bytes);
      else this.#reader?.read(bytes);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#reason ||= error.message;
      this.#close(error.closeCode);
      this.#reader = undefined; // what this server sends makes no sense any more
      this.#stream.end();
    }
  }

  #receiveAnswer(bytes: Buffer): void {
    const answer = this.#answer ? Buffer.concat([this.#answer, bytes]) : bytes;
    const end = answer.indexOf(END_OF_HEAD);
    if (end < 0 || end > MAX_ANSWER_BYTES) {
      if (answer.length > MAX_ANSWER_BYTES) this.#fail('the server answers without end');
      else this.#answer = Buffer.from(answer);
      return;
    }
    const { protocols, handshake } = this.#opening ?? {};
    if (!protocols || !handshake) return;
    const verdict = judgeAnswer(answer.toString('latin1', 0, end), protocols, handshake.accept);
    if ('failure' in verdict) {
      this.#fail(verdict.failure);
      return;
    }
    this.#opening = undefined;
    this.#answer = undefined;
    this.#reader = new FrameReader(this.#maxBytes, this.#frameHandlers());
    this.#handlers.onOpen(verdict.protocol);
    this.#reader.read(answer.subarray(end + END_OF_HEAD.length));
  }

  #frameHandlers(): FrameHandlers {
    return {
      onText: (text) => {
        if (!this.#isClosing) this.#handlers.onText(text);
      },
      onBinary: (bytes) => {
        if (!this.#isClosing) this.#handlers.onBinary(bytes);
      },
      onPing: (payload) => {
        if (!this.#isClosing) this.#write(Opcode.Pong, payload);
      },
      onClose: (code, reason) => {
        this.#reason ||= reason || `close code ${code}`;
        this.#close(code === NO_STATUS ? NORMAL_CLOSURE : code);
        this.#stream.end();
      },
    };
  }

  #write(opcode: number, content: string | Uint8Array): void {
    const frame = clientFrame(opcode, content);
    if (this.#unsent.length === 0) process.nextTick(() => this.#flush());
    this.#unsent.push(frame);
    this.#unsentBytes += frame.length;
  }

  #flush(): void {
    const [first, ...others] = this.#unsent;
    this.#unsent = [];
    this.#unsentBytes = 0;
    if (!first || !this.#stream.writable) return;
    this.#stream.write(others.length === 0 ? first : Buffer.concat([first, ...others]));
  }

  /** What was never open has nobody to say goodbye to. */
  #fail(reason: string): void {
    this.#reason ||= reason;
    this.#isClosing = true;
    this.#stream.destroy();
  }

  #close(code: number): void {
    if (this.#isClosing) return;
    if (!this.#reader) {
      this.#fail('closed before it was open');
      return;
    }
    const status = Buffer.allocUnsafe(2);
    status.writeUInt16BE(code);
    this.#write(Opcode.Close, status);
    this.#flush();
    this.#isClosing = true;
    this.#closeTimer = setTimeout(() => this.#stream.destroy(), CLOSE_TIMEOUT_MS);
  }

  #closed(): void {
    clearTimeout(this.#closeTimer);
    this.#isClosing = true;
    this.#handlers.onClosed(this.#reason || 'close code 1006');
  }
}

interface StreamHandlers {
  connected(): void;
  /** The bytes are good until it returns. */
  received(bytes: Buffer): void;
}

function openStream(url: URL, { connected, received }: StreamHandlers): Stream {
  const isSecure = url.protocol === 'wss:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const options = {
    host,
    port: Number(url.port) || (isSecure ? 443 : 80),
    onread: {
      buffer: readBuffer,
      callback: (length: number) => {
        received(readBuffer.subarray(0, length));
        return true;
      },
    },
  };
  if (!isSecure) return netConnect(options, connected);
  // A certificate names hosts; servers are told no addresses (RFC 6066 §3).
  return tlsConnect({ ...options, servername: isIP(host) ? '' : host }, connected);
}
