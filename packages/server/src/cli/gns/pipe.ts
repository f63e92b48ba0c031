import type { Readable, Writable } from 'node:stream';
import type { Connection } from 'partyline/node';
import { Intake, isOpen, sendAll } from './traffic.ts';

/** Standard input and output, or what stands for them. */
export interface Pipes {
  readonly input: Readable;
  readonly output: Writable;
}

/** Input is cut into messages of at most this. */
const PIECE_BYTES = 16 * 1024;

/** Carries input to the peer and the peer's messages to the output, reliably and in order. */
export class Pipe {
  /** Settles when the input has ended, unless there was none: who gives nothing waits for the peer. */
  readonly spent: Promise<void>;
  readonly #pipes: Pipes;
  readonly #connection: Connection;
  #bytesSent = 0;
  #bytesReceived = 0;
  #hasFailed = false;
  #grew: () => void = () => {};

  constructor(connection: Connection, pipes: Pipes) {
    this.#connection = connection;
    this.#pipes = pipes;
    const intake: Intake = new Intake(connection, (bytes) => {
      this.#bytesReceived += bytes.length;
      this.#grew();
      if (this.#hasFailed || pipes.output.write(bytes)) return true;
      pipes.output.once('drain', () => intake.resume());
      return false;
    });
    pipes.output.on('error', () => {
      this.#hasFailed = true; // the reader has gone: nothing of the peer's can arrive any more
      void connection.close();
    });
    this.spent = new Promise((resolve) => {
      void this.#feed().then(() => {
        if (this.#bytesSent > 0) resolve();
      });
    });
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  /** The output refused bytes. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Settles when an echoing peer has sent everything back. */
  async echoed(): Promise<void> {
    await this.spent;
    await new Promise<void>((resolve) => {
      this.#grew = () => {
        if (this.#bytesReceived >= this.#bytesSent) resolve();
      };
      this.#grew();
    });
  }

  /** Lets go of the input, which otherwise keeps the program alive. */
  stop(): void {
    this.#pipes.input.destroy();
  }

  async #feed(): Promise<void> {
    try {
      for await (const chunk of this.#pipes.input) {
        const bytes = Buffer.from(chunk);
        await sendAll(this.#connection, pieces(bytes), { isReliable: true, lanes: 1 });
        if (!isOpen(this.#connection)) return;
        this.#bytesSent += bytes.length;
      }
    } catch (error) {
      if (!this.#pipes.input.destroyed) throw error;
    }
  }
}

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    yield bytes.subarray(at, at + PIECE_BYTES);
  }
}
