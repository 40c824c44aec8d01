import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

/** A `codex app-server` that speaks JSON-RPC, one object a line, over its stdin and stdout. */
export interface AppServer {
  /** Rejects with what it answered as an error, and where it ends or says nothing within `timeoutMs` (default 20,000). */
  call<Result>(method: string, params: unknown, timeoutMs?: number): Promise<Result>;
  /** Ends the process and waits for it. */
  close(): Promise<void>;
}

interface Message {
  id?: number;
  result?: unknown;
  error?: { message?: string };
}

/** An error that the app-server answered, as opposed to one of reaching it. */
export class AppServerError extends Error {
  override readonly name = "AppServerError";
}

/** Starts one of its own with `codexHome` as its CODEX_HOME. Rejects where it does not start. */
export async function startAppServer(bin: string, codexHome: string): Promise<AppServer> {
  const { PATH = "" } = process.env;
  const env = { PATH, HOME: codexHome, CODEX_HOME: codexHome, TMPDIR: codexHome };
  // of the environment only the path: no key of the user's is its business
  const child = spawn(bin, ["app-server"], { env: env as unknown as NodeJS.ProcessEnv, stdio: ["pipe", "pipe", "ignore"] });
  const server = converse(child);
  try {
    await server.call("initialize", { clientInfo: { name: "signalbox", version: "0.1.0" } });
    child.stdin.write(`${JSON.stringify({ method: "initialized" })}\n`);
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}

function converse(child: ChildProcessByStdio<Writable, Readable, null>): AppServer {
  const waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  let ended: Error | undefined;
  const end = (error: Error) => {
    ended ??= error;
    for (const { reject } of waiting.values()) reject(ended);
  };
  child.once("error", (error) => end(new Error(`cannot run codex app-server: ${error.message}`)));
  child.once("close", (code) => end(new Error(`codex app-server ended with ${code}`)));
  child.stdin.on("error", () => {});

  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const { id, result, error } = parseMessage(line);
      const call = id === undefined ? undefined : waiting.get(id);
      if (error) call?.reject(new AppServerError(error.message ?? "codex app-server answered an error"));
      else call?.resolve(result);
    }
  });

  let calls = 0;
  return {
    call<Result>(method: string, params: unknown, timeoutMs = 20_000) {
      const id = ++calls;
      return new Promise<Result>((resolve, reject) => {
        if (ended !== undefined) return reject(ended);
        const settle = (settled: () => void) => {
          clearTimeout(timer);
          waiting.delete(id);
          settled();
        };
        const fail = (error: Error) => settle(() => reject(error));
        const timer = setTimeout(() => fail(new Error(`codex app-server did not answer ${method} in ${timeoutMs} ms`)), timeoutMs);
        waiting.set(id, { resolve: (result) => settle(() => resolve(result as Result)), reject: fail });
        child.stdin.write(`${JSON.stringify({ id, method, params })}\n`);
      });
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const closed = once(child, "close");
      // it ends with its input; `codex` from npm is a wrapper, and a signal would end only that
      child.stdin.end();
      const timer = setTimeout(() => child.kill(), 2_000);
      await closed;
      clearTimeout(timer);
    },
  };
}

function parseMessage(line: string): Message {
  try {
    return JSON.parse(line) as Message;
  } catch {
    return {};
  }
}
