import { randomInt } from "node:crypto";
import net from "node:net";

/**
 * Below what systems hand out by themselves (Linux: 32768 to 60999): one of those may become somebody's `listen(0)`, or the near end of any
 * connection, before it is listened on, or while what listens there is started again.
 */
const [LOWEST, HIGHEST] = [10_000, 32_000];
const given = new Set<number>();

/** A loopback port that nobody listens on, and no other caller in this process was given. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = net.createServer().once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
