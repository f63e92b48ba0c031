import { expect, test } from 'vitest';
import { addShip, decodeSnapshot, encodeSnapshot, newGame } from '../game/index.ts';
import { type BotLine, Report, standings } from './report.ts';

function said(line: BotLine, json: boolean): string[] {
  const lines: string[] = [];
  new Report({ json }, (text) => lines.push(text)).say(line);
  return lines;
}

test('lines are sentences, and the same as JSON on one line each', () => {
  const line: BotLine = { type: 'rammed', by: 'Bot', ship: 'Alice', gems: 1 };
  expect(said(line, false)).toEqual(['Bot rammed Alice, who dropped 1 gem.']);
  expect(said(line, true).map((text) => JSON.parse(text))).toEqual([line]);
});

test('the result carries the whole state of its tick', () => {
  const snapshot = decodeSnapshot(encodeSnapshot(addShip(newGame(1), 2)));
  if (!snapshot) throw new Error('a snapshot does not decode');
  const line: BotLine = { type: 'result', self: 2, wire: 'webrtc', score: 3, seen: 200, snapshot };
  expect(JSON.parse(said(line, true)[0] ?? '')).toEqual(line);
  expect(standings(snapshot, (id) => `ship ${id}`)).toEqual([{ name: 'ship 2', score: 0 }]);
});
