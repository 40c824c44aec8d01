import fs from "node:fs";
import net from "node:net";

import os from "node:os";
import path from "node:path";
import postgres from "postgres";
import { afterAll, expect, test } from "vitest";
import { startPostgres } from "./postgres.ts";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-postgres-"));
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });

test("a cluster is made, adopted by a second start, closed to wrong passwords and to writes of the reader, and found again", {
  timeout: 60_000,
}, async () => {
  const first = await startPostgres({ dir, port: await freePort() });
  const owner = postgres(first.url, { max: 1, onnotice: () => {} });
  await owner`create table kept (n int)`;
  await owner`insert into kept values (42)`;
  await owner`grant select on kept to signalbox_reader`;

  const second = await startPostgres({ dir, port: await freePort() });
  expect(second).toMatchObject({ adopted: true, pid: first.pid, port: first.port });

  const reader = postgres(first.readerUrl, { max: 1 });
  expect(await reader`select n from kept`).toEqual([{ n: 42 }]);
  await expect(reader`insert into kept values (1)`).rejects.toThrow(/read-only transaction/);
  const wrong = postgres(first.url.replace(/:[0-9a-f]+@/, ":wrong@"), { max: 1 });
  await expect(wrong`select 1`).rejects.toThrow(/password authentication failed/);
  await Promise.all([owner, reader, wrong].map((sql) => sql.end()));

  process.kill(first.pid, "SIGKILL");
  const third = await startPostgres({ dir, port: await freePort() });
  expect(third.adopted).toBe(false);
  const again = postgres(third.url, { max: 1 });
  expect(await again`select n from kept`).toEqual([{ n: 42 }]);
  await again.end();
  await third.stop();
  await third.stop();
});
