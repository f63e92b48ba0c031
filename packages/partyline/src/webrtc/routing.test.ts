import { expect, test } from 'vitest';
import {
  attemptNonce,
  attemptNumber,
  type Route,
  type RoutingView,
  routeSignal,
} from './routing.ts';
import { NONCE_BYTES, type WebRtcSignal } from './signal.ts';

const us = new Uint8Array(12).fill(1);
const them = new Uint8Array(12).fill(2);
const others = new Uint8Array(12).fill(3);
const none = new Uint8Array(NONCE_BYTES);
const ours = attemptNonce(us, 2);
const theirs = attemptNonce(them, 2);
const signal = (sender: Uint8Array, receiver: Uint8Array, bye?: string): WebRtcSignal => ({
  sender,
  receiver,
  generation: 1,
  wantedGeneration: 0,
  ackedGeneration: 0,
  ackedDescription: false,
  ackedCandidates: 0,
  description: undefined,
  firstCandidate: 0,
  candidates: [],
  bye,
});
const view = (role: RoutingView['role'], remoteNonce = theirs): RoutingView => ({
  role,
  localNonce: ours,
  remoteNonce,
  leftInstances: [attemptNonce(others, 7)],
});

test.each<[string, Route, RoutingView, WebRtcSignal]>([
  ['our pair', 'deliver', view('offerer'), signal(theirs, ours)],
  ['our pair', 'deliver', view('answerer'), signal(theirs, ours)],
  ['the offerer does not know us yet', 'deliver', view('answerer'), signal(theirs, none)],
  ['the first answer to our attempt', 'bind', view('offerer', none), signal(theirs, ours)],
  ['a hello', 'remind', view('offerer', none), signal(theirs, none)],
  ['a first offer', 'bind', view('answerer', none), signal(theirs, none)],
  ['a later attempt', 'follow', view('answerer'), signal(attemptNonce(them, 3), none)],
  ['an earlier attempt', 'ignore', view('answerer'), signal(attemptNonce(them, 1), none)],
  ['an earlier attempt', 'ignore', view('offerer'), signal(attemptNonce(them, 1), ours)],
  ['our earlier attempt', 'ignore', view('offerer'), signal(theirs, attemptNonce(us, 1))],
  [
    'a session of ours that is gone',
    'stray',
    view('offerer'),
    signal(theirs, attemptNonce(them, 1)),
  ],
  [
    'an unknown session',
    'remind',
    view('offerer'),
    signal(
      attemptNonce(
        us.map(() => 9),
        1,
      ),
      none,
    ),
  ],
  ['a session that was left', 'ignore', view('answerer'), signal(attemptNonce(others, 9), none)],
  ['they gave up', 'ended', view('offerer'), signal(theirs, ours, 'why')],
  [
    'a new session of theirs',
    'replaced',
    view('offerer'),
    signal(attemptNonce(others, 1), ours, 'new'),
  ],
  ['a goodbye to nobody', 'ignore', view('offerer'), signal(theirs, none, 'why')],
  [
    'a goodbye to another of ours',
    'ignore',
    view('offerer'),
    signal(theirs, attemptNonce(us, 1), 'x'),
  ],
  [
    'a stray goodbye is not answered',
    'ignore',
    view('offerer'),
    signal(theirs, attemptNonce(them, 1), 'x'),
  ],
])('%s: %s', (_name, route, knows, message) => {
  expect(routeSignal(knows, message)).toBe(route);
});

test('a nonce carries its number', () => {
  expect(attemptNumber(attemptNonce(us, 0xfffffff0))).toBe(0xfffffff0);
});
