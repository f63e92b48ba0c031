import { createSocket } from 'node:dgram';

/** A router that knows NAT-PMP alone (RFC 6886), and maps whatever it is asked to one address: HOST PORT. */
const [, , host = '', port = ''] = process.argv;
const socket = createSocket('udp4');
socket.on('message', (request, from) => {
  const [version = 0, opcode = 0] = request;
  const answer = (...bytes: number[]): void => {
    socket.send(Uint8Array.from([0, 128 + opcode, ...bytes]), from.port, from.address);
  };
  const epoch = [0, 0, 0, 1];
  if (version !== 0) answer(0, 1, ...epoch);
  else if (opcode === 0) answer(0, 0, ...epoch, ...host.split('.').map(Number));
  else {
    const outer = [Number(port) >> 8, Number(port) & 0xff];
    answer(0, 0, ...epoch, ...request.subarray(4, 6), ...outer, ...request.subarray(8, 12));
  }
});
socket.bind(5351, () => console.log('listening'));
