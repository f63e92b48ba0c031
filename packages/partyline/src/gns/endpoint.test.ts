import { describe, expect, test } from 'vitest';
import { connected, crypto, drain, endpoint, pair, pass } from '../../test/gns-rig.ts';
import { SendFlag } from '../snp/index.ts';
import { decodeChallengeRequest, EndReason, PacketType, selfMadeIdentity } from './index.ts';

describe('connecting', () => {
  test('client and server know each other, and both are connected', () => {
    const { connection, incoming } = connected({ expect: 'str:bob' });
    expect(connection).toMatchObject({
      state: 'connected',
      remoteIdentity: 'str:bob',
      isVerified: false,
    });
    expect(incoming()).toMatchObject({ state: 'connected', remoteIdentity: 'str:alice' });
    expect(connection.remoteId).toBe(incoming().id);
    expect(connection.snp.roundTrip.smoothedMs).toBeCloseTo(20, 0);
  });

  test('anonymous peers are known by their address', () => {
    const anonymous = selfMadeIdentity(crypto, 'ip:::1');
    const { connection, incoming } = connected({
      clientIdentity: anonymous,
      serverIdentity: anonymous,
    });
    expect(connection.remoteIdentity).toBe('ip:10.0.0.98:1000');
    expect(incoming().remoteIdentity).toBe('ip:10.0.0.97:1000');
  });

  test('it connects through 40 % loss by asking again every 500 ms', () => {
    const { connection, incoming } = connected({ link: { loss: 0.4 }, seed: 11 });
    expect(incoming().state).toBe('connected');
    expect(connection.state).toBe('connected');
  });

  test('asked ahead: the question has left before there is a connection, and is not asked again for 500 ms', () => {
    const client = endpoint(selfMadeIdentity(crypto, 'str:alice'), {});
    const asked = client.ask(0, 'b');
    const question = client.pollTransmit();
    expect(question).toMatchObject({ to: 'b' });
    expect(decodeChallengeRequest(question?.bytes ?? new Uint8Array())).toMatchObject({
      connectionId: asked.id,
    });
    const connection = client.connect(0, 'b', { asked });
    expect(connection).toMatchObject({ id: asked.id, state: 'connecting' });
    client.handleTimeout(499);
    expect(client.pollTransmit()).toBeUndefined();
    client.handleTimeout(500);
    expect(client.pollTransmit()?.bytes[0]).toBe(PacketType.ChallengeRequest);
  });

  test('nobody answers: the attempt ends after 10 s with 5003', () => {
    const { net, connection } = pair({ link: { loss: 1 } });
    net.run(9_999);
    expect(connection.state).toBe('connecting');
    net.run(10_001);
    expect(connection).toMatchObject({ state: 'finWait', endReason: EndReason.MiscTimeout });
    expect(net.eventsA.map((e) => (e.type === 'stateChanged' ? e.change.state : e.type))).toEqual([
      'connecting',
      'problemDetectedLocally',
      'finWait',
    ]);
  });

  test('the application does not accept: both sides end after 10 s', () => {
    const { net, connection, incoming } = pair();
    net.run(11_000);
    expect([connection.endReason, incoming().endReason]).toEqual([5003, 5003]);
  });

  test('another identity than expected: both sides are told at once', () => {
    const { net, server, connection, incoming } = pair({ expect: 'str:carol' });
    net.run(100);
    server.accept(net.now, incoming());
    net.run(200);
    const debug = 'Cert was issued to str:bob, not str:carol';
    const told = { endReason: EndReason.RemoteBadCert, endDebug: debug };
    expect(connection).toMatchObject(told);
    expect(incoming()).toMatchObject({ ...told, remoteId: connection.id });
  });

  test('ciphers: NULL when both want it, refusal when they have none in common', () => {
    const open = connected({
      clientOptions: { unencrypted: 3 },
      serverOptions: { unencrypted: 2 },
    });
    expect(open.connection.isEncrypted).toBe(false);
    open.connection.snp.send(open.net.now, Uint8Array.of(1, 2), SendFlag.Reliable);
    open.client.touch(open.net.now, open.connection);
    pass(open.net, 100);
    expect(drain(open.incoming(), open.net.now)).toEqual([Uint8Array.of(1, 2)]);
    const none = pair({ clientOptions: { unencrypted: 3 } });
    none.net.run(100);
    expect(none.server.accept(none.net.now, none.incoming())).toBe(false);
    none.net.run(200);
    expect(none.connection.endReason).toBe(EndReason.RemoteBadCrypt);
  });
});
