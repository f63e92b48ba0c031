import type { Line, OpenLine } from './line.ts';

/** One end in a process of its own: told what to do by `datachannel.bench.ts`, which carries signals. */
export type Command =
  | { readonly type: 'open'; readonly offers: boolean }
  | { readonly type: 'signal'; readonly signal: unknown }
  | { readonly type: 'close' }
  /** Ping-pong of `count` messages, unreliable; gives the median round trip in microseconds. */
  | { readonly type: 'pingPong'; readonly count: number }
  /** `count` messages, reliable, as fast as they go; gives messages a second until all arrived. */
  | { readonly type: 'stream'; readonly count: number };

export type Report =
  | { readonly type: 'ready' }
  | { readonly type: 'signal'; readonly signal: unknown }
  | { readonly type: 'opened' }
  | { readonly type: 'figure'; readonly figure: number };

const MESSAGE_BYTES = 64;
const [PING, PONG, STREAMED, ALL_THERE] = [1, 2, 3, 4];
const { openRawLine } = await import('./raw-line.ts');
const open: OpenLine =
  process.argv[2] === 'raw' ? openRawLine : (await import('./partyline-line.ts')).openPartylineLine;

let line: ReturnType<OpenLine> | undefined;
let streamed = 0;
let expected = Number.POSITIVE_INFINITY;
let onAnswer = (): void => {};
const message = new Uint8Array(MESSAGE_BYTES);

const report = (what: Report): void => {
  process.send?.(what);
};

function tell(to: Line | undefined, kind: number, reliable: boolean, value = 0): void {
  message[0] = kind;
  new DataView(message.buffer).setUint32(1, value);
  to?.send(message, reliable);
}

function receive(bytes: Uint8Array): void {
  switch (bytes[0]) {
    case PING:
      tell(line, PONG, false);
      return;
    case STREAMED:
      streamed += 1;
      expected = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
      if (streamed < expected) return;
      streamed = 0;
      tell(line, ALL_THERE, true);
      return;
    default:
      onAnswer();
  }
}

async function pingPong(count: number): Promise<number> {
  const timesUs: number[] = [];
  for (let n = 0; n < count; n++) {
    const start = performance.now();
    await new Promise<void>((resolve) => {
      onAnswer = resolve;
      tell(line, PING, false);
    });
    timesUs.push((performance.now() - start) * 1000);
  }
  return timesUs.toSorted((a, b) => a - b)[count >> 1] ?? Number.NaN;
}

/** Turns of 64 messages, as a busy host has them; the event loop runs between them. */
async function stream(count: number): Promise<number> {
  const start = performance.now();
  const arrived = new Promise<void>((resolve) => {
    onAnswer = resolve;
  });
  for (let sent = 0; sent < count; ) {
    for (let n = 0; n < 64 && sent < count && line?.hasRoom; n++, sent++) {
      tell(line, STREAMED, true, count);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await arrived;
  return (count / (performance.now() - start)) * 1000;
}

process.on('message', (command: Command) => {
  switch (command.type) {
    case 'open':
      line = open(command.offers, (signal) => report({ type: 'signal', signal }), {
        onOpen: () => report({ type: 'opened' }),
        onMessage: receive,
      });
      return;
    case 'signal':
      line?.handleSignal(command.signal);
      return;
    case 'close':
      line?.close();
      line = undefined;
      return;
    case 'pingPong':
      void pingPong(command.count).then((figure) => report({ type: 'figure', figure }));
      return;
    case 'stream':
      void stream(command.count).then((figure) => report({ type: 'figure', figure }));
  }
});
process.on('disconnect', () => process.exit());
report({ type: 'ready' });
