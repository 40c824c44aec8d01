/**
 * Lets so many bytes a second through to a port, of all connections together; answers pass at once. A process of its own, so that a busy
 * client does not slow it further. Prints the port that it listens on.
 *
 * Command: node tests/bench/relay.ts <port> <bytes a second>
 */
import { type AddressInfo, connect, createServer } from "node:net";
import { Transform } from "node:stream";

const [port = 0, bytesASecond = 0] = process.argv.slice(2).map(Number);
let free = performance.now();

const server = createServer({ noDelay: true }, (client) => {
  const upstream = connect({ host: "127.0.0.1", port, noDelay: true });
  const pace = new Transform({
    transform(chunk: Buffer, _, done) {
      free = Math.max(free, performance.now()) + (chunk.length / bytesASecond) * 1000;
      setTimeout(() => done(null, chunk), Math.max(1, free - performance.now()));
    },
  });
  client.pipe(pace).pipe(upstream).pipe(client);
  for (const socket of [client, upstream]) {
    socket.on("error", () => {});
    socket.on("close", () => [client, upstream].map((end) => end.destroy()));
  }
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
