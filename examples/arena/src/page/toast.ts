import { h } from './element.ts';

/** How long a message stays. */
const SHOWN_MS = 5000;

/** Says something in the corner, for a while; a click takes it away. */
export function toast(text: string, kind: 'info' | 'error' = 'info'): void {
  const element = h('div', { class: `toast toast-${kind}`, role: 'alert' }, text);
  element.addEventListener('click', () => element.remove());
  const place = document.querySelector('#toasts');
  place?.append(element);
  while (place && place.childElementCount > 3) place.firstElementChild?.remove();
  setTimeout(() => element.remove(), SHOWN_MS);
}
