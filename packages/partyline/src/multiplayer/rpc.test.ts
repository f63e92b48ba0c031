import { expect, expectTypeOf, test } from 'vitest';
import { Multiplayer } from './multiplayer.ts';
import { type Rpc, rpc, rpcSchema } from './rpc.ts';
import { decodeMessage, encodeRpc } from './rpc-wire.ts';

const definitions = {
  move: rpc({ mode: 'anyPeer' }, (_context, _x: number, _y: number) => {}),
  say: rpc({}, (_context, _text: string, _to?: string) => {}),
  reset: rpc({ callLocal: true }, () => {}),
};

test('defaults are Godot’s: authority, reliable, no local call, channel 0', () => {
  expect(rpc({}, () => {}).config).toEqual({
    mode: 'authority',
    transferMode: 'reliable',
    callLocal: false,
    channel: 0,
  });
  expect(rpc({ mode: undefined }, () => {}).config.mode).toBe('authority');
  expect(() => rpc({ channel: 256 }, () => {})).toThrow('channel is 0 to 255');
});

test('names and arguments are checked by the compiler', () => {
  expectTypeOf(definitions.move).toEqualTypeOf<Rpc<[_x: number, _y: number]>>();
  const multiplayer = new Multiplayer();
  const object = multiplayer.object('game', definitions);
  const calls = (): void => {
    object.rpc('move', 1, 2);
    object.rpcId(1, 'say', 'hello');
    object.rpcId(1, 'say', 'hello', 'ann');
    object.rpc('reset');
    // @ts-expect-error no such rpc
    object.rpc('fly', 1);
    // @ts-expect-error an argument is missing
    object.rpc('move', 1);
    // @ts-expect-error an argument too many
    object.rpc('move', 1, 2, 3);
    // @ts-expect-error of the wrong type
    object.rpcId(1, 'say', 42);
    const bad = {
      callback: rpc({}, (_context, _callback: () => void) => {}),
      date: rpc({}, (_context, _when: Date) => {}),
      bigint: rpc({}, (_context, _bank: { money: bigint }) => {}),
    };
    // @ts-expect-error a function cannot be sent
    multiplayer.object('bad', { rpc: bad.callback });
    // @ts-expect-error nor an instance of a class with methods
    multiplayer.object('bad', { rpc: bad.date });
    // @ts-expect-error nor a bigint inside an object
    multiplayer.object('bad', { rpc: bad.bigint });
    expectTypeOf(bad.date.error).toEqualTypeOf<'an argument of this rpc cannot be sent'>();
    // @ts-expect-error there is no such mode
    rpc({ mode: 'everybody' }, () => {});
    // @ts-expect-error `validate` gives what the handler takes
    rpc({ validate: (): [string] => ['x'] }, (_context, _n: number) => {});
  };
  expect(calls).toBeTypeOf('function'); // the compiler is the test
});

test('optional arguments may be left out or undefined at the end, not before others', () => {
  const decoded = decodeMessage(encodeRpc(1, 2, ['hello', undefined]));
  expect(decoded.type === 'rpc' && decoded.args()).toEqual(['hello']);
  expect(() => encodeRpc(1, 2, [undefined, 1])).toThrow('argument 1 cannot be sent');
});

test('rpcSchema: the same for the same names and configurations, in any order; another otherwise', () => {
  const { move, say, reset } = definitions;
  const schema = rpcSchema({ game: definitions });
  expect(schema).toMatch(/^[0-9a-f]{16}$/);
  expect(rpcSchema({ game: { reset, say, move } })).toBe(schema);
  const others = [
    { game: { move, say } },
    { game: { move, say, restart: reset } },
    { game: { move, say, reset: rpc({ callLocal: true, channel: 1 }, () => {}) } },
    { game: { move, say, reset: rpc({}, () => {}) } },
    { play: definitions },
    { game: definitions, chat: {} },
    {},
  ];
  expect(new Set([schema, ...others.map((kinds) => rpcSchema(kinds))]).size).toBe(
    others.length + 1,
  );
});
