import { NetError } from '../base/index.ts';
import { CODE_PATTERN, INVITE_PATTERN } from './generated/protocol.ts';

/** How to find a lobby that one was told about. */
export type JoinTarget =
  | { readonly code: string }
  | { readonly id: string }
  | { readonly invite: string };

/** A link that opens the game's page with the way in behind the `#`, where no server log sees it. */
export function inviteLink(base: string, target: { code: string } | { invite: string }): string {
  const url = new URL(base);
  url.hash = 'code' in target ? `join=${target.code}` : `invite=${target.invite}`;
  return url.href;
}

/**
 * Reads what people paste: a link with `join=CODE` or `invite=TOKEN` behind `#` or `?`, a bare
 * token, or a bare code in any case, with spaces or hyphens. `undefined` when it is none of these.
 */
export function parseInvite(text: string): JoinTarget | undefined {
  if (text.length > MAX_LINK_LENGTH) return undefined;
  const trimmed = text.trim();
  const behind = /[#?].*/su.exec(trimmed)?.[0];
  if (behind === undefined) {
    return INVITE_PATTERN.test(trimmed) ? { invite: trimmed } : codeTarget(trimmed);
  }
  const fields = new URLSearchParams(behind.replace(/[#?]/g, '&'));
  const invite = fields.get('invite');
  if (invite !== null) return INVITE_PATTERN.test(invite) ? { invite } : undefined;
  return codeTarget(fields.get('join') ?? '');
}

/** What `join` sends. @throws NetError `OPTIONS_INVALID` on text that is no link, token or code */
export function resolveJoinTarget(
  target: JoinTarget | string,
): { type: 'id'; id: string } | { type: 'code'; code: string } | { type: 'invite'; token: string } {
  const read = typeof target === 'string' ? parseInvite(target) : target;
  if (read && 'id' in read) return { type: 'id', id: read.id };
  if (read && 'invite' in read) return { type: 'invite', token: read.invite };
  const code = read && codeTarget(read.code)?.code;
  if (code === undefined) {
    throw new NetError('OPTIONS_INVALID', 'join takes a code, an invite link, a token or an id');
  }
  return { type: 'code', code };
}

/** Longer than any address a browser shows. */
const MAX_LINK_LENGTH = 4096;

function codeTarget(text: string): { code: string } | undefined {
  const code = text.replace(/[\s-]/g, '').toUpperCase();
  return CODE_PATTERN.test(code) ? { code } : undefined;
}
