type Child = Node | string | undefined;

/** Creates an element: attributes by name, `onclick` and the like as functions, the rest is children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<
    Record<string, string | boolean | ((event: Event) => void) | undefined>
  > = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.replace(/^on/, ''), value);
    else if (value === true) element.setAttribute(name, '');
    else if (typeof value === 'string') element.setAttribute(name, value);
  }
  // Text goes in as text nodes: names and chat lines of strangers never become markup.
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** Sets the text only when it differs: rows are refreshed several times a second. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setHidden(element: HTMLElement, hidden: boolean): void {
  if (element.hidden !== hidden) element.hidden = hidden;
}

/** An icon of public/… drawn inline, so that it takes the colour of the text. */
export function icon(path: string): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const shape = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  shape.setAttribute('d', path);
  svg.append(shape);
  return svg;
}

export const icons = {
  copy: 'M8 8V4h12v12h-4M4 8h12v12H4z',
  link: 'M10 14a4 4 0 0 0 6 0l3-3a4.2 4.2 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4.2 4.2 0 0 0 6 6l1-1',
  leave: 'M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9',
  refresh: 'M20 11a8 8 0 1 0-2.3 6.7M20 4v7h-7',
  kick: 'M6 6l12 12M18 6L6 18',
  send: 'M4 12l16-7-6 16-3-6z',
} as const;
