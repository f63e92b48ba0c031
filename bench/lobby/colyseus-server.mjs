import { Room, Server } from '@colyseus/core';
import { WebSocketTransport } from '@colyseus/ws-transport';
import { answerMeasurer } from '../measured.ts';

/** Two seats; what one sends the other gets, as bytes, by the shortest way Colyseus has. */
class PairRoom extends Room {
  maxClients = 2;
  patchRate = null;

  onCreate() {
    this.onMessageBytes('m', (from, bytes) => {
      for (const client of this.clients) if (client !== from) client.sendBytes('m', bytes);
    });
  }
}

const server = new Server({
  greet: false,
  gracefullyShutdown: false,
  transport: new WebSocketTransport({ pingInterval: 0 }),
});
server.define('pair', PairRoom);
await server.listen(0, '127.0.0.1');
answerMeasurer(server.transport.server.address().port);
