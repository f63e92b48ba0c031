import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'partyline/node';
import { CountedInbox, countedMessage, isWhole } from './counted.ts';
import { Echo } from './echo.ts';
import type { GnsCommand } from './options.ts';
import { Pipe, type Pipes } from './pipe.ts';
import { delivered, Intake, isDelivered, sendAll } from './traffic.ts';
import type { Fact } from './voice.ts';

/** What one connection is used for. */
export interface Job {
  /** Settles when nothing is left to do but to close. */
  readonly done: Promise<void>;
  /** Once the connection is over: gives back what it holds. */
  stop(): void;
  /** Once the connection is over: did everything arrive, and the figures. */
  verdict(): { readonly isWhole: boolean; readonly facts: Readonly<Record<string, Fact>> };
}

/** A peer that has everything closes by itself; after this the side that receives does, in ms. */
const CLOSE_PATIENCE_MS = 3000;
/** Unreliable echoes that have not come back so long after the last one are lost, in ms. */
const ECHO_PATIENCE_MS = 2000;

const never: Promise<void> = new Promise(() => {});

/** The job that the command line asks for. */
export function startJob(command: GnsCommand, connection: Connection, pipes: Pipes): Job {
  const { role, echo, count } = command;
  if (role === 'connect' && count !== undefined) return sendCounted(command, count, connection);
  if (count !== undefined) return receiveCounted(command, count, connection);
  return role === 'listen' && echo ? echoAll(connection) : pipeAll(command, connection, pipes);
}

function sendCounted(command: GnsCommand, count: number, connection: Connection): Job {
  const { size, reliable, echo, lanes } = command;
  const inbox = new CountedInbox(count, size);
  let sent = 0;
  let heardAt = 0;
  new Intake(connection, (bytes, lane, isReliable) => {
    heardAt = performance.now();
    if (echo) inbox.take(bytes, lane, isReliable);
    return true;
  });
  const run = async (): Promise<void> => {
    const how = { isReliable: reliable, lanes: lanes.length };
    sent = await sendAll(connection, countedMessages(count, size), how);
    await delivered(connection);
    heardAt = Math.max(heardAt, performance.now());
    const isOver = (): boolean => !reliable && performance.now() - heardAt > ECHO_PATIENCE_MS;
    while (echo && !inbox.isComplete && !isOver()) await sleep(2, undefined, { ref: false });
  };
  return {
    done: run(),
    stop: () => {},
    verdict: () => ({
      isWhole: sent === count && isDelivered(connection) && (!echo || isWhole(inbox.tally)),
      facts: { promised: count, size, reliable, sent, ...(echo ? { ...inbox.tally } : {}) },
    }),
  };
}

function receiveCounted(command: GnsCommand, count: number, connection: Connection): Job {
  const { size, echo } = command;
  const inbox = new CountedInbox(count, size);
  let complete: () => void = () => {};
  const completed = new Promise<void>((resolve) => {
    complete = resolve;
  });
  const take = (bytes: Uint8Array, lane: number, isReliable: boolean): boolean => {
    inbox.take(bytes, lane, isReliable);
    if (inbox.isComplete) complete();
    return true;
  };
  const echoing = echo ? new Echo(connection, take) : undefined;
  if (!echo) new Intake(connection, take);
  return {
    done: completed.then(() => sleep(CLOSE_PATIENCE_MS, undefined, { ref: false })),
    stop: () => {},
    verdict: () => ({
      isWhole: isWhole(inbox.tally),
      facts: {
        promised: count,
        size,
        ...inbox.tally,
        ...(echoing ? { echoed: echoing.echoed } : {}),
      },
    }),
  };
}

function echoAll(connection: Connection): Job {
  const echo = new Echo(connection);
  return {
    done: never,
    stop: () => {},
    verdict: () => ({ isWhole: true, facts: { echoed: echo.echoed } }),
  };
}

function pipeAll({ role, echo }: GnsCommand, connection: Connection, pipes: Pipes): Job {
  const pipe = new Pipe(connection, pipes);
  const expectsEcho = echo && role === 'connect';
  return {
    done: expectsEcho ? pipe.echoed() : pipe.spent,
    stop: () => pipe.stop(),
    verdict: () => {
      const { bytesSent, bytesReceived, hasFailed } = pipe;
      const isBack = !expectsEcho || bytesReceived >= bytesSent;
      return {
        isWhole: isDelivered(connection) && isOrdinaryEnd(connection) && isBack && !hasFailed,
        facts: { bytesSent, bytesReceived },
      };
    },
  };
}

/** GNS: 1000 to 1999 are the applications' own, for an ordinary end. */
function isOrdinaryEnd({ endReason }: Connection): boolean {
  return endReason >= 1000 && endReason <= 1999;
}

function* countedMessages(count: number, size: number): Generator<Uint8Array> {
  for (let number = 0; number < count; number++) yield countedMessage(number, size);
}
