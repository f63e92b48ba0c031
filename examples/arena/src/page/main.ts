import { readAddress } from './address.ts';
import { App } from './app.ts';
import { inspect } from './inspect.ts';

const root = document.querySelector<HTMLElement>('#app');
if (!root) throw new Error('index.html has no #app');
const app = new App(root, readAddress(new URL(location.href)));
window.arena = inspect(app);
// A link followed in a page that is already open changes the part behind # only.
window.addEventListener('hashchange', () => {
  if (!app.room && readAddress(new URL(location.href)).invite) location.reload();
});
await app.start();
