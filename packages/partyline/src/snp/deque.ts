/** First in, first out, at constant cost and without garbage; grows by doubling. */
export class Deque<T> {
  #items: (T | undefined)[] = [];
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  first(): T | undefined {
    return this.#length === 0 ? undefined : this.#items[this.#head];
  }

  last(): T | undefined {
    if (this.#length === 0) return undefined;
    return this.#items[(this.#head + this.#length - 1) & (this.#items.length - 1)];
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow();
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item;
    this.#length += 1;
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.#length -= 1;
    return item;
  }

  #grow(): void {
    const size = this.#items.length;
    const grown = new Array<T | undefined>(Math.max(4, size * 2)).fill(undefined);
    for (let i = 0; i < this.#length; i++) grown[i] = this.#items[(this.#head + i) & (size - 1)];
    this.#items = grown;
    this.#head = 0;
  }
}
