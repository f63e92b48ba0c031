import { discoverNat } from '../../packages/partyline/src/node/nat-discovery.ts';

/** Prints what `discoverNat` says of the server that is named first. */
const [, , host = ''] = process.argv;
try {
  console.log(JSON.stringify(await discoverNat({ host })));
} catch (error) {
  console.log(JSON.stringify(error instanceof Error && 'code' in error ? error.code : `${error}`));
}
