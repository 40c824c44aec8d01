import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { type AppServer, converse } from "./json-rpc.ts";

export { type AppServer, AppServerError } from "./json-rpc.ts";

/** Starts one of our own with `codexHome` as its CODEX_HOME. Rejects where it does not start. */
export async function startAppServer(bin: string, codexHome: string): Promise<AppServer> {
  const { PATH = "" } = process.env;
  const env = { PATH, HOME: codexHome, CODEX_HOME: codexHome, TMPDIR: codexHome };
  // of the environment only the path: no key of the user's is its business
  const child = spawn(bin, ["app-server"], { env: env as unknown as NodeJS.ProcessEnv, stdio: ["pipe", "pipe", "ignore"] });
  const conversation = converse((text) => void child.stdin.write(`${text}\n`));
  child.once("error", (error) => conversation.end(new Error(`cannot run codex app-server: ${error.message}`)));
  child.once("close", (code) => conversation.end(new Error(`codex app-server ended with ${code}`)));
  child.stdin.on("error", () => {});
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) conversation.take(line);
  });
  const close = () => ended(child);
  try {
    await conversation.begin();
    return { call: conversation.call, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function ended(child: ChildProcessByStdio<Writable, Readable, null>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const closed = once(child, "close");
  // it ends with its input; `codex` from npm is a wrapper, and a signal would end only that
  child.stdin.end();
  const timer = setTimeout(() => child.kill(), 2_000);
  await closed;
  clearTimeout(timer);
}
