import type { Millis } from '../base/index.ts';
import type { Results } from './generated/protocol.ts';

/** The W3C's `RTCIceServer`. */
export interface IceServer {
  readonly urls: string[];
  readonly username?: string;
  readonly credential?: string;
}

/** A credential is renewed when this much of its time is over: what is opened with it has the rest. */
const RENEW_AT = 2 / 3;

/** What ICE may use, asked for when it is needed and kept while it is fresh. */
export class IceServers {
  readonly #now: () => Millis;
  readonly #stunUrls: () => readonly string[];
  readonly #ask: () => Promise<Results['session.iceServers']>;
  #relay: IceServer | undefined;
  #freshUntilMs: Millis = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;

  constructor(environment: {
    readonly now: () => Millis;
    readonly stunUrls: () => readonly string[];
    readonly ask: () => Promise<Results['session.iceServers']>;
  }) {
    this.#now = environment.now;
    this.#stunUrls = environment.stunUrls;
    this.#ask = environment.ask;
  }

  /** Never rejects: who gets no answer tries without a relay. */
  async get(): Promise<readonly IceServer[]> {
    if (this.#now() >= this.#freshUntilMs) {
      this.#asking ??= this.#renew().finally(() => {
        this.#asking = undefined;
      });
      await this.#asking;
    }
    const stun = this.#stunUrls().map((url) => ({ urls: [url] }));
    return this.#relay ? [...stun, this.#relay] : stun;
  }

  async #renew(): Promise<void> {
    const askedAt = this.#now();
    try {
      const { urls, username, credential, ttlSec } = await this.#ask();
      this.#relay = urls.length > 0 ? { urls: [...urls], username, credential } : undefined;
      this.#freshUntilMs = askedAt + ttlSec * 1000 * RENEW_AT;
    } catch {
      this.#relay = undefined; // an old server, or none at the moment: asked again next time
    }
  }
}
