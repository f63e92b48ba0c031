const script = new URL('../scripts/build.mjs', import.meta.url);

/** Before the first test of a suite with real processes: all is built from the sources as they are now. */
export async function setup(): Promise<void> {
  const { ensureBuilt } = await import(script.href);
  await ensureBuilt();
}
