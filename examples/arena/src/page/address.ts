/** What the page's address says: `?as=alice&server=…&app=…#join=CODE`. */
export interface Address {
  /** Which guest of this browser to be; each has a key of its own. */
  readonly as: string | undefined;
  /** Default: where the page came from. */
  readonly server: string;
  readonly app: string;
  /** A code or invite to join at once. */
  readonly invite: string | undefined;
}

export function readAddress(url: URL): Address {
  const as = url.searchParams.get('as') ?? '';
  return {
    as: /^[\w.-]{1,64}$/.test(as) ? as : undefined,
    server: url.searchParams.get('server') || url.origin,
    app: url.searchParams.get('app') || 'arena',
    invite: /^#(join|invite)=./.test(url.hash) ? url.hash : undefined,
  };
}

/** `alice` → `Alice`; without `as` a name nobody else is likely to have. */
export function defaultName(as: string | undefined, random: () => number): string {
  if (as) return as.charAt(0).toUpperCase() + as.slice(1, 20);
  const first = ['Swift', 'Bright', 'Lucky', 'Bold', 'Calm', 'Nimble', 'Keen', 'Merry'];
  const second = ['Comet', 'Falcon', 'Ember', 'Otter', 'Nova', 'Raven', 'Pixel', 'Wren'];
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? '';
  return `${pick(first)} ${pick(second)}`;
}
