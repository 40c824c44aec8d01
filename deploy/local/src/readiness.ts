import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "./errors.ts";

export type Readiness = { ready: true } | { ready: false; reason: string };

/** Asks a part's /readyz once. `reason` is what the part itself says, where it says something. */
export async function checkReady(address: string, timeoutMs = 2_000): Promise<Readiness> {
  try {
    const response = await fetch(new URL("/readyz", address), { signal: AbortSignal.timeout(timeoutMs), redirect: "manual" });
    const body = await response.text();
    return response.status === 200 ? { ready: true } : { ready: false, reason: reasonIn(body) ?? `answered ${response.status}` };
  } catch (error) {
    return { ready: false, reason: connectionReason(error) };
  }
}

/**
 * Polls /readyz until it answers 200, the deadline passes, or `signal` aborts.
 * @returns the last answer: not ready means that the deadline passed.
 */
export async function waitUntilReady(address: string, deadlineMs: number, signal: AbortSignal): Promise<Readiness> {
  const deadline = performance.now() + deadlineMs;
  let last: Readiness = { ready: false, reason: "was not asked" };
  while (!signal.aborted && performance.now() < deadline) {
    last = await checkReady(address);
    if (last.ready) return last;
    await sleep(25, undefined, { signal }).catch(() => {});
  }
  return last;
}

function reasonIn(body: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    for (const key of ["reason", "message", "error"]) {
      const value: unknown = typeof parsed === "object" && parsed !== null ? Reflect.get(parsed, key) : undefined;
      if (typeof value === "string") return value;
      if (typeof value === "object" && value !== null) return reasonIn(JSON.stringify(value));
    }
  } catch {
    // not JSON
  }
  return undefined;
}

function connectionReason(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") return "did not answer in time";
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return /ECONNREFUSED/.test(`${messageOf(cause)} ${Reflect.get(Object(cause), "code")}`) ? "not listening" : messageOf(cause);
}

/** True when something accepts connections there. */
export function checkTcp(host: string, port: number, timeoutMs = 2_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    socket.once("connect", () => {
      // a good-bye: destroyed with a greeting unread it would be a reset, which an HTTP/2 server takes for a failure and says so
      socket.resume().end();
      resolve(true);
    });
    const none = () => {
      socket.destroy();
      resolve(false);
    };
    socket.once("timeout", none);
    socket.once("error", none);
  });
}
