import type { lobbyMethods } from '@partyline/protocol';
import { Refused, type TokenBucket } from '../base/index.ts';
import type { Seated } from '../lobby/index.ts';
import type { Handlers } from './methods.ts';
import type { Services } from './services.ts';

export const lobbyHandlers: Handlers<keyof typeof lobbyMethods> = {
  'lobby.create': async ({ lobbies }, { session }, params) =>
    joined(await lobbies.create(session, params, params)),

  'lobby.join': async ({ lobbies }, { session }, { by, ...arrival }) =>
    joined(await lobbies.join(session, by, arrival)),

  'lobby.leave': async ({ lobbies }, { session }, { lobby }) => {
    await lobbies.leave(session, lobby);
    return { result: {} };
  },

  'lobby.get': async ({ lobbies }, { session }, { lobby }) => ({
    result: { lobby: await lobbies.get(session, lobby) },
  }),

  'lobby.list': async (services, { session }, { filters, limit }) => {
    spend(services, session.listRate, 'lists');
    return { result: { lobbies: await services.lobbies.list(session.app, filters, limit) } };
  },

  'lobby.setData': async ({ lobbies }, { session }, { lobby, set }) => {
    await lobbies.command(session, lobby, { type: 'setData', set });
    return { result: {} };
  },

  'lobby.setMemberData': async ({ lobbies }, { session }, { lobby, set }) => {
    await lobbies.command(session, lobby, { type: 'setMemberData', set });
    return { result: {} };
  },

  'lobby.setReady': async ({ lobbies }, { session }, { lobby, ready }) => {
    await lobbies.command(session, lobby, { type: 'setReady', ready });
    return { result: {} };
  },

  'lobby.setSettings': async ({ lobbies }, { session }, { lobby, type: lobbyType, ...rest }) => {
    await lobbies.command(session, lobby, { type: 'setSettings', lobbyType, ...rest });
    return { result: {} };
  },

  'lobby.setOwner': async ({ lobbies }, { session }, { lobby, member }) => {
    await lobbies.command(session, lobby, { type: 'setOwner', member });
    return { result: {} };
  },

  'lobby.kick': async ({ lobbies }, { session }, { lobby, member, reason }) => {
    await lobbies.command(session, lobby, { type: 'kick', member, reason });
    return { result: {} };
  },

  'lobby.chat': async (services, { session }, { lobby, text }) => {
    spend(services, session.chatRate, 'chat lines');
    await services.lobbies.chat(session, lobby, text);
    return { result: {} };
  },

  'lobby.invite': async (services, { session }, { lobby }) => {
    spend(services, session.inviteRate, 'invites');
    return { result: await services.lobbies.invite(session, lobby) };
  },

  'lobby.relayTicket': ({ tickets }, { session }, { lobby }) => {
    const seat = session.seats.get(lobby);
    if (!seat) throw new Refused('LOBBY_NOT_MEMBER', 'you are not in this lobby');
    return { result: { ticket: tickets.issue(seat) } };
  },
};

function joined(seat: Seated): {
  result: { lobby: Seated['lobby']; you: number };
  after: () => void;
} {
  return { result: { lobby: seat.lobby, you: seat.you }, after: () => seat.open() };
}

function spend({ clock }: Services, rate: TokenBucket, what: string): void {
  const nowMs = clock.nowMs();
  if (!rate.take(nowMs)) {
    throw new Refused('RATE_LIMITED', `too many ${what}`, rate.waitMs(nowMs));
  }
}
