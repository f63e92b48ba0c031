export { MemoryStore } from './memory-store.ts';
export type { Store, Stored, Unsubscribe, Write } from './store.ts';
