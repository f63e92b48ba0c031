import { createSecretKey, randomBytes } from 'node:crypto';
import { auth, JWT } from '@colyseus/auth';
import { Room, Server } from '@colyseus/core';
import { WebSocketTransport } from '@colyseus/ws-transport';
import { answerMeasurer } from '../measured.ts';

/** Two seats; what one sends the other gets, as bytes, by the shortest way Colyseus has. */
class PairRoom extends Room {
  maxClients = 2;
  patchRate = 3_600_000; // there is no state to send; `null` would turn a clock sixty times a second

  onCreate() {
    this.onMessageBytes('m', (from, bytes) => {
      for (const client of this.clients) if (client !== from) client.sendBytes('m', bytes);
    });
  }
}

/** The same for those who are signed in: what their token says, if it is one of ours. */
class GuestPairRoom extends PairRoom {
  static onAuth(token) {
    return JWT.verify(token);
  }
}

JWT.settings.secret = createSecretKey(randomBytes(32)); // a text would be tried as PEM first, each time

const server = new Server({
  greet: false,
  gracefullyShutdown: false,
  transport: new WebSocketTransport({ pingInterval: 0 }),
  express: (app) => void app.use(auth.prefix, auth.routes()),
});
server.define('pair', PairRoom);
server.define('guestPair', GuestPairRoom);
await server.listen(0, '127.0.0.1');
answerMeasurer(server.transport.server.address().port);
