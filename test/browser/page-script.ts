import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** The page's side of a test with all that it imports, for `addScriptTag`. */
export async function pageScript(file: URL): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(file)],
    bundle: true,
    format: 'iife',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}
