import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { GnsTap } from 'partyline/node';
import type { UdpAddress } from 'partyline/protocol/gns';
import { printHost } from '../../config/index.ts';
import { UsageError } from './options.ts';
import { pcapHeader, pcapRecord } from './pcap.ts';
import { type Reading, WireReader } from './wire-reader.ts';

export type TraceRole = 'listen' | 'connect' | 'client' | 'server' | 'symmetric';

/** @throws UsageError where nothing can be written */
export function openTrace(dir: string, role: TraceRole): Trace {
  try {
    return new Trace(dir, role);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--trace cannot write to ${dir} (${why}).`);
  }
}

/** Readable by the owner alone: the keys open what was said. */
const MODE = 0o600;

/**
 * `--trace DIR`: three files named after the role. `.pcap` for Wireshark, `.txt` with a line a
 * datagram or signal and its decrypted payload, `.keys` with the session secrets (public key, secret).
 */
export class Trace implements GnsTap {
  readonly #reader = new WireReader();
  readonly #startedAt = performance.now();
  readonly #pcap: number;
  readonly #text: number;
  readonly #keys: number;
  #isOpen = true;

  constructor(dir: string, role: TraceRole) {
    mkdirSync(dir, { recursive: true });
    const open = (kind: string): number => openSync(join(dir, `${role}.${kind}`), 'w', MODE);
    this.#pcap = open('pcap');
    this.#text = open('txt');
    this.#keys = open('keys');
    writeSync(this.#pcap, pcapHeader());
  }

  datagram(
    direction: 'in' | 'out',
    local: UdpAddress,
    remote: UdpAddress,
    bytes: Uint8Array,
  ): void {
    if (!this.#isOpen) return;
    const [from, to] = direction === 'out' ? [local, remote] : [remote, local];
    const now = performance.now();
    writeSync(this.#pcap, pcapRecord(performance.timeOrigin + now, from, to, bytes));
    const peer = `${printHost(remote.host)}:${remote.port}`;
    this.#write(now, direction, peer, bytes, this.#reader.read(peer, bytes));
  }

  signal(direction: 'in' | 'out', peer: string, bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    const who = `signal ${peer}`.trimEnd(); // the text says who it says it is from
    this.#write(performance.now(), direction, who, bytes, this.#reader.readSignal(bytes));
  }

  sessionSecret(publicKey: Uint8Array, secret: Uint8Array): void {
    if (!this.#isOpen) return;
    this.#reader.addSecret(publicKey, secret);
    const print = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    writeSync(this.#keys, `X25519 ${print(publicKey)} ${print(secret)}\n`);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const file of [this.#pcap, this.#text, this.#keys]) closeSync(file);
  }

  #write(
    now: number,
    direction: 'in' | 'out',
    peer: string,
    bytes: Uint8Array,
    reading: Reading,
  ): void {
    const at = (now - this.#startedAt).toFixed(3).padStart(10);
    const head = `${at} ms ${direction === 'out' ? '→' : '←'} ${peer} ${bytes.length} B`;
    writeSync(this.#text, `${head} ${printReading(reading)}`);
  }
}

function printReading({ text, plaintext }: Reading): string {
  if (plaintext === undefined) return `${text}\n`;
  return `${text}\n           ${Buffer.from(plaintext).toString('hex')}\n`;
}
