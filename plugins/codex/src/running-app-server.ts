import { once } from "node:events";
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ControlOutcome } from "@signalbox/otel/control-client";
import { WebSocket } from "ws";
import { type AppServer, converse } from "./json-rpc.ts";

/** Where an app-server listens: a unix socket's path, or a port of this machine. */
type Address = { socketPath: string } | { port: number };

const CONNECTED_WITHIN_MS = 1_000;
/** The app-server says that it sends none that is longer in one piece. */
const MAX_MESSAGE_BYTES = 16 << 20;

/** It is on this machine; the last question of an interruption comes when its time is over. */
const ANSWERED_WITHIN_MS = 500;

/** Codex has its calls on background terminals, in which every command runs, only for clients that say so (0.169.0). */
const CAPABILITIES = { experimentalApi: true, requestAttestation: false };

/** Connects to an app-server that somebody else started. Rejects where it does not answer, or wants a token. */
export async function connectAppServer(address: Address): Promise<AppServer> {
  const url = "socketPath" in address ? `ws+unix://${address.socketPath}:/` : `ws://127.0.0.1:${address.port}/`;
  const socket = new WebSocket(url, {
    handshakeTimeout: CONNECTED_WITHIN_MS,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  const conversation = converse((text) => socket.send(text));
  socket.on("message", (data) => conversation.take(data.toString()));
  socket.on("error", conversation.end);
  socket.on("close", () => conversation.end(new Error("codex app-server closed the connection")));
  const close = async () => socket.terminate();
  try {
    await once(socket, "open");
    // a process may listen for something else
    await conversation.begin(CAPABILITIES, ANSWERED_WITHIN_MS);
    return { call: conversation.call, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const LISTENING_UNIX = "00010000";
const LISTENING_TCP = "0A";

/** Where a process of this machine listens, as Linux tells it; nothing where it does not, as one that is driven through its standard input. */
export async function addressesOf(pid: number): Promise<Address[]> {
  const folder = join("/proc", String(pid), "fd");
  const names = await readdir(folder).catch(() => []);
  const links = await Promise.all(names.map((name) => readlink(join(folder, name)).catch(() => "")));
  const inodes = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  const fieldsOf = async (name: string) =>
    (await readFile(`/proc/net/${name}`, "utf8").catch(() => "")).split("\n").map((line) => line.trim().split(/\s+/));
  const unix = (await fieldsOf("unix")).flatMap(([, , , flags, , , inode = "", path]): Address[] =>
    flags === LISTENING_UNIX && inodes.has(inode) && path?.startsWith("/") ? [{ socketPath: path }] : [],
  );
  const tcp = [...(await fieldsOf("tcp")), ...(await fieldsOf("tcp6"))].flatMap(
    ([, local = "", , state, , , , , , inode = ""]): Address[] =>
      state === LISTENING_TCP && inodes.has(inode) ? [{ port: Number.parseInt(local.split(":")[1] ?? "", 16) }] : [],
  );
  return [...unix, ...tcp];
}

interface Thread {
  id: string;
  /** Of the thread at the top of its tree. */
  sessionId: string;
  parentThreadId: string | null;
  status: { type: string };
}

/** The receipt of a kill is waited for two seconds: turns may take so long to end. */
const ENDED_WITHIN_MS = 1_300;
const POLL_MS = 20;

/**
 * Interrupts the turns of a thread and of all below it, ends the commands that they run, which an interruption leaves alone, and waits until
 * both have ended. Never throws.
 */
export async function interruptTurns(server: Pick<AppServer, "call">, session: string): Promise<ControlOutcome> {
  const deadline = performance.now() + ENDED_WITHIN_MS;
  const call: Call = (method, params) => server.call(method, params, ANSWERED_WITHIN_MS);
  try {
    for (;;) {
      const tree = await treeOf(call, session);
      const [turns, commands] = [await stopTurns(call, tree), await stopCommands(call, tree)];
      if (turns + commands === 0) return { outcome: "stopped" };
      if (performance.now() > deadline) {
        return { outcome: "failed", detail: `${turns} turns and ${commands} commands have not ended after ${ENDED_WITHIN_MS} ms` };
      }
      await sleep(POLL_MS);
    }
  } catch (error) {
    return { outcome: "failed", detail: (error as Error).message };
  }
}

type Call = <Result>(method: string, params: object) => Promise<Result>;

/** Returns how many there were. */
async function stopTurns(call: Call, tree: readonly Thread[]): Promise<number> {
  const active = tree.filter(({ status }) => status.type === "active");
  for (const { id: threadId } of active) {
    const { data } = await call<{ data: { id: string; status: string }[] }>("thread/turns/list", { threadId, limit: 1 });
    const [turn] = data;
    // it may end by itself at this moment, by the call that the gateway closed
    if (turn?.status === "inProgress") await call("turn/interrupt", { threadId, turnId: turn.id }).catch(() => {});
  }
  return active.length;
}

/** Returns how many there were. */
async function stopCommands(call: Call, tree: readonly Thread[]): Promise<number> {
  let count = 0;
  for (const { id: threadId } of tree) {
    const { data } = await call<{ data: unknown[] }>("thread/backgroundTerminals/list", { threadId });
    count += data.length;
    if (data.length > 0) await call("thread/backgroundTerminals/clean", { threadId });
  }
  return count;
}

async function treeOf(call: Call, session: string): Promise<Thread[]> {
  const { data } = await call<{ data: string[] }>("thread/loaded/list", {});
  const threads = await Promise.all(data.map(async (threadId) => (await call<{ thread: Thread }>("thread/read", { threadId })).thread));
  const byId = new Map(threads.map((thread) => [thread.id, thread]));
  const isBelow = (thread: Thread | undefined): boolean =>
    thread !== undefined && (thread.id === session || thread.sessionId === session || isBelow(byId.get(thread.parentThreadId ?? "")));
  return threads.filter(isBelow);
}
