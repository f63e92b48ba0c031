export { type App, appKey, openApps } from './app.ts';
export { loadCaSeed } from './ca-key.ts';
