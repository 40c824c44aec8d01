import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { describeTakenPorts, findTakenPorts } from "./ports.ts";

let server: Server;
let port: number;
beforeEach(async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  port = typeof address === "object" && address ? address.port : 0;
});
afterEach(() => new Promise<void>((resolve) => server.close(() => resolve())));

it("finds who holds a port and says how to move away", async () => {
  const taken = await findTakenPorts("127.0.0.1", { otlp: 1, otlpGrpc: 4, scheduler: 2, web: port, postgres: 3 }, ["web"]);
  expect(taken).toMatchObject([{ part: "web", port }]);
  if (process.platform === "linux") expect(taken[0]?.holder?.pid).toBe(process.pid);
  expect(describeTakenPorts(taken).message).toMatch(
    new RegExp(`^Port ${port} \\(the dashboard\\) is taken by .*SIGNALBOX_WEB_PORT=${port + 1000} npm start$`),
  );
});

it("names SIGNALBOX_HOST when the address is not of this machine", async () => {
  await expect(findTakenPorts("192.0.2.1", { otlp: 1, otlpGrpc: 4, scheduler: 2, web: 25_999, postgres: 3 }, ["web"])).rejects.toThrow(
    "SIGNALBOX_HOST",
  );
});
