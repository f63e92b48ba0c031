import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { nodeCrypto } from 'partyline/node';
import { type AddressKind, GnsEndpoint, selfMadeIdentity } from 'partyline/protocol/gns';
import { SendFlag } from 'partyline/protocol/snp';
import { expect, test } from 'vitest';

/** What an idle connection may hold of our memory, in bytes. */
const BUDGET_BYTES = 16 * 1024;
const CONNECTIONS = 500;

const addresses: AddressKind<string> = {
  table: <T>() => new Map<string, T>(),
  text: (address) => address,
  identity: () => 'ip:10.0.0.1:1000',
  isLoopback: () => false,
};

type Endpoint = GnsEndpoint<string>;

function endpointOf(identity: string, isListening: boolean): Endpoint {
  const local = selfMadeIdentity(nodeCrypto, identity);
  const setup = { crypto: nodeCrypto, local, addresses, epochMs: Date.now(), random: Math.random };
  const limits = { maxIncoming: 5000, maxHandshakesPerSecond: 1e6 };
  return new GnsEndpoint(setup, { isListening, ...limits });
}

/** Everything that either has to say reaches the other, until both are silent. */
function talk(client: Endpoint, server: Endpoint, from: string, now: number): void {
  for (let isBusy = true; isBusy; ) {
    isBusy = false;
    for (let t = client.pollTransmit(); t; t = client.pollTransmit()) {
      server.handleDatagram(now, from, t.bytes);
      isBusy = true;
    }
    for (let e = server.pollEvent(); e; e = server.pollEvent()) {
      if (e.type === 'incoming') server.accept(now, e.connection);
      if (e.type === 'readable') while (e.connection.receive(now) !== undefined);
    }
    for (let t = server.pollTransmit(); t; t = server.pollTransmit()) {
      client.handleDatagram(now, 'server', t.bytes);
      isBusy = true;
    }
  }
}

/** Connected, used once, then silent. The client itself is forgotten. */
function addIdle(server: Endpoint, from: string): void {
  const client = endpointOf('str:client', false);
  const connection = client.connect(0, 'server');
  talk(client, server, from, 0);
  connection.snp.send(0, new Uint8Array(1000), SendFlag.Reliable | SendFlag.NoNagle);
  client.touch(0, connection);
  talk(client, server, from, 0);
  if (connection.state !== 'connected') throw new Error(`it is ${connection.state}`);
}

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

function usedBytes(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test('an idle connection of a server stays within its budget of memory', () => {
  const server = endpointOf('str:server', true);
  for (let i = 0; i < 150; i++) addIdle(server, `warm${i}`);
  const before = usedBytes();
  for (let i = 0; i < CONNECTIONS; i++) addIdle(server, `client${i}`);
  const each = (usedBytes() - before) / CONNECTIONS;
  expect(server.connectionCount).toBe(CONNECTIONS + 150);
  expect(each).toBeGreaterThan(1000); // the measure measures
  expect(each).toBeLessThan(BUDGET_BYTES);
}, 120_000);
