import { STAR_PROTOCOL_VERSION, type StarMessage } from './star-messages.ts';

/** Whom a hello is judged by, and what both are called in the reason. */
export interface Admission {
  readonly refuses: boolean;
  /** '': not compared. */
  readonly schema: string;
  readonly own: string;
  readonly other: string;
}

/** Why this hello lets nobody in; `undefined` when it does. */
export function refusalOf(
  { version, schema }: Extract<StarMessage, { type: 'hello' }>,
  { refuses, schema: ownSchema, own, other }: Admission,
): string | undefined {
  if (refuses) return `${own} refuses new connections`;
  if (version !== STAR_PROTOCOL_VERSION) {
    return `version skew: ${own} speaks protocol ${STAR_PROTOCOL_VERSION}, ${other} ${version}`;
  }
  if (ownSchema !== '' && schema !== '' && schema !== ownSchema) {
    return `version skew: ${own} has schema ${ownSchema}, ${other} ${schema}; update the older one`;
  }
  return undefined;
}
