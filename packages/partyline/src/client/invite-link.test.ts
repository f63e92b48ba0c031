import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inviteLink, parseInvite, resolveJoinTarget } from './invite-link.ts';

const token = 'aB3_-678901234567890123456789012';

test.each([
  ['ACDEFG', { code: 'ACDEFG' }],
  ['  acd-efg ', { code: 'ACDEFG' }],
  ['a c d e f g', { code: 'ACDEFG' }],
  ['acde', { code: 'ACDE' }],
  [token, { invite: token }],
  ['https://play.example/path/#join=ACDEFG', { code: 'ACDEFG' }],
  ['https://play.example/?join=acd-efg', { code: 'ACDEFG' }],
  ['https://play.example/?as=bob&join=ACDEFG#top', { code: 'ACDEFG' }],
  ['https://play.example/?as=bob#join=ACDEFG', { code: 'ACDEFG' }],
  [`https://play.example/#invite=${token}`, { invite: token }],
  [`play.example/?invite=${token}`, { invite: token }],
  ['#join=ACDEFG', { code: 'ACDEFG' }],
])('%s is read', (text, target) => {
  expect(parseInvite(text)).toEqual(target);
});

test.each([
  '',
  'ABCDEF', // B is not of the alphabet
  'ACDEF',
  'ACDEFGH',
  'https://play.example/',
  'https://play.example/ACDEFG',
  'https://play.example/#join=',
  'https://play.example/#invite=short',
  `https://play.example/#join=ACDEFG&x=${'y'.repeat(5000)}`,
])('%s is no invite', (text) => {
  expect(parseInvite(text)).toBeUndefined();
  expect(() => resolveJoinTarget(text)).toThrow('join takes');
});

test('a link that is made is read back, whatever page it opens', () => {
  const pages = fc.webUrl({ withQueryParameters: true, withFragments: true });
  fc.assert(
    fc.property(pages, fc.constantFrom({ code: 'ACDEFG' }, { invite: token }), (page, target) => {
      // A page whose own query says `join` or `invite` is not ours to read.
      fc.pre(!/(join|invite)=/.test(page));
      expect(parseInvite(inviteLink(page, target))).toEqual(target);
    }),
  );
});

test('any text gives a target or nothing, never a throw', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseInvite(text)));
});
