export { WebSocketClient } from './client.ts';
