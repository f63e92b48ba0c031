import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the clone. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Signals that somebody ends us with, passed on to a group of its own. */
const endings = ['SIGINT', 'SIGTERM'];

/**
 * Runs a program in the clone and waits for its end. `show` passes its output through; without it
 * the output is collected, so that the caller can show it where it explains a failure.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, show?: boolean }} [options]
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
export function run(command, args, { cwd = root, show = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
    });
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => resolve({ ok: false, output: `${command}: ${error.message}\n` }));
    child.on('close', (code, signal) => {
      const output = Buffer.concat(chunks).toString();
      const ended = signal === null ? '' : `${command} was ended by ${signal}\n`;
      resolve({ ok: code === 0, output: output + ended });
    });
  });
}

/**
 * Runs a program with all that it starts for at most `limitMs`, its output passed through. All of
 * them end then: a worker that loops would not notice that its parent is gone.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ limitMs: number, env?: Readonly<Record<string, string>> }} options
 * @returns {Promise<{ ok: boolean, inTime: boolean }>}
 */
export async function runLimited(command, args, { limitMs, env = {} }) {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
    detached: true, // a process group of its own, which can be ended as one
  });
  let inTime = true;
  const timer = setTimeout(() => {
    inTime = false;
    endGroup(child, 'SIGKILL');
  }, limitMs);
  let endedBy;
  const passOn = (signal) => {
    endedBy = signal;
    endGroup(child, signal);
  };
  for (const signal of endings) process.on(signal, passOn);
  try {
    const [code] = await once(child, 'exit');
    return { ok: code === 0, inTime };
  } finally {
    clearTimeout(timer);
    for (const signal of endings) process.off(signal, passOn);
    endGroup(child, 'SIGKILL'); // what it left behind
    if (endedBy !== undefined) process.kill(process.pid, endedBy); // now we end of it too
  }
}

function endGroup({ pid }, signal) {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    // Gone already.
  }
}

/**
 * npm, as the one that started us where there is one (its path stands in the environment).
 *
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export function npm(args, options) {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith('.js')) return run(process.execPath, [cli, ...args], options);
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, options);
}

/**
 * Says on stderr what is done and how long it took; stdout is for results.
 *
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function timed(what, work) {
  process.stderr.write(`${what} … `);
  const start = performance.now();
  try {
    const result = await work();
    process.stderr.write(`${((performance.now() - start) / 1000).toFixed(1)} s\n`);
    return result;
  } catch (error) {
    process.stderr.write('failed\n');
    throw error;
  }
}

/** A failure that is already explained in words: shown without a stack. */
export class Explained extends Error {}

/** @param {() => Promise<void>} main */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`\n${error instanceof Explained ? error.message : error.stack}\n`);
    process.exitCode = 1;
  }
}
