import { discoverNat } from '../../packages/partyline/src/node/nat-discovery.ts';
import type { NatBehavior } from '../../packages/partyline/src/stun/index.ts';

/** What is printed: how the NAT is, or the code of the error. */
export type NatAnswer = NatBehavior | string;

/** Prints what `discoverNat` says of the server that is named first. */
const [, , host = ''] = process.argv;
try {
  say(await discoverNat({ host }));
} catch (error) {
  say(error instanceof Error && 'code' in error ? `${error.code}` : `${error}`);
}

function say(answer: NatAnswer): void {
  console.log(JSON.stringify(answer));
}
