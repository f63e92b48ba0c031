/** Two ends of one connection, as both sides of the comparison offer it to the same measurement. */
export interface Line {
  send(bytes: Uint8Array, reliable: boolean): void;
  /** False while more reliable messages should wait. */
  readonly hasRoom: boolean;
  close(): void;
}

export interface LineEvents {
  onOpen(): void;
  onMessage(bytes: Uint8Array): void;
}

/** One end; signals go through the parent. `offers` is true for one end and false for the other. */
export type OpenLine = (
  offers: boolean,
  sendSignal: (signal: unknown) => void,
  events: LineEvents,
) => Line & { handleSignal(signal: unknown): void };
