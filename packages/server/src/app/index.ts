export { type App, appKey, openApps } from './app.ts';
