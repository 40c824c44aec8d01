/** The gateway's own HTTP/1.1 client: what it reads of an engine, however that says it, and what it refuses to read. */

import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import type { Dispatcher } from "undici";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EngineClient } from "../../scheduler/src/http/wire/client.ts";
import type { EngineController } from "../../scheduler/src/http/wire/engine-connection.ts";
import { until } from "./scheduler-support.ts";

let server: Server;
let client: EngineClient;
/** Requests with their connection's number, as they came. */
let seen: { connection: number; text: string }[];
let answer: (socket: Socket, request: string, n: number) => void;
const sockets = new Set<Socket>();
let connections: number;

const IDLE_MS = 1_500;

beforeEach(async () => {
  seen = [];
  connections = 0;
  server = createServer((socket) => {
    const connection = ++connections;
    let text = "";
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1]);
      if (end < 0 || text.length < end + 4 + length) return;
      seen.push({ connection, text });
      const request = text;
      text = "";
      answer(socket, request, seen.length);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  client = new EngineClient(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), {
    connectTimeoutMs: 1_000,
    idleMs: IDLE_MS,
  });
});
afterEach(async () => {
  await client.destroy();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server.close();
});

interface Seen {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  /** Its code. */
  error?: string;
  /** What was called, in order. */
  events: string[];
}

interface Ask {
  client?: EngineClient;
  body?: string;
  path?: string;
  headers?: string[];
  bodyTimeout?: number;
  on?: Dispatcher.DispatchHandler;
}

function ask({ client: by = client, body = "{}", path = "/v1/x", headers = [], bodyTimeout = 0, on = {} }: Ask = {}): Promise<Seen> {
  return new Promise((resolve) => {
    const reply: Seen = { status: 0, headers: {}, body: "", events: [] };
    const end = (event: string) => {
      reply.events.push(event);
      resolve(reply);
    };
    by.dispatch(
      { path, method: "POST", headers, body: Buffer.from(body), bodyTimeout },
      {
        onRequestStart(controller, context) {
          reply.events.push("start");
          on.onRequestStart?.(controller, context);
        },
        onResponseStart(controller, status, replied) {
          Object.assign(reply, { status, headers: replied });
          reply.events.push("head");
          on.onResponseStart?.(controller, status, replied);
        },
        onResponseData(controller, chunk) {
          reply.body += chunk.toString("latin1");
          on.onResponseData?.(controller, chunk);
        },
        onResponseEnd: () => end("end"),
        onResponseError(_controller, error) {
          reply.error = String((error as { code?: string }).code ?? error.message);
          end("error");
        },
      },
    );
  });
}

const OK = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\nA \r\n, worlds..\r\n0\r\nTrailer: x\r\n\r\n";

describe("an answer", () => {
  it.each([
    ["of a length", OK, "hello"],
    ["in chunks, with extensions and a trailer", CHUNKED, "hello, worlds.."],
    ["after informational ones", `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${OK}`, "hello"],
  ])("%s is the same in whatever pieces it comes", async (_what, text, body) => {
    for (let cut = 1; cut < text.length; cut++) {
      answer = (socket) => {
        socket.setNoDelay(true);
        socket.write(text.slice(0, cut));
        setImmediate(() => socket.write(text.slice(cut)));
      };
      expect([cut, await ask()]).toEqual([cut, expect.objectContaining({ status: 200, body, events: ["start", "head", "end"] })]);
    }
    expect(new Set(seen.map(({ connection }) => connection))).toEqual(new Set([1]));
  });

  it.each([
    ["that ends with the connection", "HTTP/1.1 200 OK\r\n\r\nhello", true, { status: 200, body: "hello" }],
    ["of HTTP/1.0", "HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", false, { status: 200, body: "hello" }],
    ["without a body", "HTTP/1.1 204 No Content\r\n\r\n", false, { status: 204, body: "" }],
    ["without a reason", "HTTP/1.1 429 \r\ncontent-length: 0\r\n\r\n", false, { status: 429, body: "" }],
    [
      "with cookies",
      "HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nset-cookie: b\r\nVia: a\r\nvia: b\r\ncontent-length: 0\r\n\r\n",
      false,
      { status: 200, headers: { "set-cookie": ["a", "b"], via: "a, b", "content-length": "0" } },
    ],
    ["with a length and chunks", CHUNKED.replace("\r\n", "\r\ncontent-length: 5\r\n"), false, { error: "HPE_UNEXPECTED_CONTENT_LENGTH" }],
    [
      "in an encoding that nobody asked for",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
      false,
      { error: "HPE_INVALID_TRANSFER_ENCODING" },
    ],
    ["of two lengths", OK.replace("\r\n", "\r\ncontent-length: 7\r\n"), false, { error: "HPE_INVALID_CONTENT_LENGTH" }],
    ["of a length that is no number", OK.replace("5", "0x5"), false, { error: "HPE_INVALID_CONTENT_LENGTH" }],
    ["with a line that is folded", OK.replace("text/plain", "text/\r\n plain"), false, { error: "HPE_INVALID_HEADER_TOKEN" }],
    ["that is no HTTP", "SSH-2.0-OpenSSH_9.6\r\n\r\n", false, { error: "HPE_INVALID_HEADER_TOKEN" }],
    ["with a head of 100 KB", `HTTP/1.1 200 OK\r\nx: ${"x".repeat(100_000)}`, false, { error: "UND_ERR_HEADERS_OVERFLOW" }],
    ["that changes the protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n", false, { error: "UND_ERR_SOCKET" }],
    ["with a chunk of no size", CHUNKED.replace("5;a=b", "x"), false, { error: "HPE_INVALID_CHUNK_SIZE" }],
    ["with a chunk that is longer than it says", CHUNKED.replace("5;a=b", "4"), false, { error: "HPE_INVALID_CHUNK_SIZE" }],
    ["with a chunk of a size beyond all bounds", CHUNKED.replace("5;a=b", "f".repeat(20)), false, { error: "HPE_INVALID_CHUNK_SIZE" }],
    ["whose connection ends before it", OK.slice(0, -1), true, { status: 200, error: "UND_ERR_SOCKET" }],
    ["whose connection ends between chunks", CHUNKED.slice(0, -20), true, { status: 200, error: "UND_ERR_SOCKET" }],
    ["that never came", "", true, { status: 0, error: "UND_ERR_SOCKET" }],
  ] as const)("%s", async (_what, text, ends, expected) => {
    answer = (socket) => {
      socket.write(text);
      if (ends) socket.end();
    };
    expect(await ask()).toMatchObject(expected);
  });

  it("that says more than it should costs the connection", async () => {
    answer = (socket) => socket.write(`${OK}and more`);
    expect((await ask()).body).toBe("hello");
    answer = (socket) => socket.write(OK);
    expect((await ask()).body).toBe("hello");
    expect(seen.map(({ connection }) => connection)).toEqual([1, 2]);
  });
});

describe("a request", () => {
  it("says what it is told to, small or large, in bytes", async () => {
    answer = (socket) => socket.write(OK);
    const large = "ä".repeat(100_000);
    await ask({ body: "{ü}", path: "/v1/x?a=b", headers: ["authorization", "Bearer k", "x-two", "1"] });
    await ask({ body: large });
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(Buffer.from(seen[0]?.text ?? "", "latin1").toString()).toBe(
      `POST /v1/x?a=b HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer k\r\nx-two: 1\r\ncontent-length: 4\r\n\r\n{ü}`,
    );
    expect(
      Buffer.from(seen[1]?.text ?? "", "latin1")
        .toString()
        .endsWith(`content-length: 200000\r\n\r\n${large}`),
    ).toBe(true);
  });

  it.each([
    { headers: ["x-a", "b\r\nx-c: d"] },
    { headers: ["x-a", "\u010a"] },
    { headers: ["x a", "b"] },
    { path: "/v1/x HTTP/1.1\r\nx: y" },
  ])("cannot be made to say another: %j", async (said) => {
    expect(await ask(said)).toMatchObject({ events: ["error"], error: expect.stringMatching(/what no header can|cannot be asked for/) });
    expect(seen).toEqual([]);
  });

  it("takes a connection that is idle, and not one that is old or that the engine has closed", async () => {
    answer = (socket, _request, n) => {
      socket.write(n === 3 ? OK.replace("\r\n", "\r\nkeep-alive: timeout=1\r\n") : OK);
      if (n === 2) socket.end();
    };
    await ask();
    await ask();
    await until(() => [...sockets][0]?.destroyed === true, "the first connection is closed");
    await ask(); // kept for no time at all: a second, and a second taken off
    await ask();
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS + 100));
    await ask();
    expect(seen.map(({ connection }) => connection)).toEqual([1, 1, 2, 3, 4]);
    await until(() => [...sockets].filter((socket) => !socket.destroyed).length === 0, "those that nobody uses are closed");
  });

  it("has a connection of its own while others run", async () => {
    const waiting: Socket[] = [];
    answer = (socket) => {
      waiting.push(socket);
      if (waiting.length === 3) for (const each of waiting) each.write(OK);
    };
    expect((await Promise.all([ask(), ask(), ask()])).map(({ body }) => body)).toEqual(["hello", "hello", "hello"]);
    expect(new Set(seen.map(({ connection }) => connection)).size).toBe(3);
  });

  it("that is aborted closes its connection; an abort after the end closes nobody's", async () => {
    let controller: Dispatcher.DispatchController | undefined;
    const on: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        controller = started;
      },
    };
    answer = (socket) => socket.write(OK);
    await ask({ on });
    controller?.abort(new Error("late"));
    answer = (socket) => socket.write(OK.slice(0, -2));
    const cut = ask({ on, body: "2" });
    await until(() => seen.length === 2, "it is there");
    controller?.abort(Object.assign(new Error("enough"), { code: "ENOUGH" }));
    expect(await cut).toMatchObject({ error: "ENOUGH" });
    expect((controller as EngineController).socket.destroyed).toBe(true);
    expect(seen.map(({ connection }) => connection)).toEqual([1, 1]);
    await until(() => [...sockets].every((socket) => socket.destroyed), "the engine sees it");
  });

  it("aborted before it is connected is never sent", async () => {
    answer = (socket) => socket.write(OK);
    expect(await ask({ on: { onRequestStart: (controller) => controller.abort(new Error("no")) } })).toMatchObject({ error: "no" });
    await ask();
    expect(seen.length).toBe(1);
  });

  it("ends with what its handler throws, and with the pool", async () => {
    answer = (socket) => socket.write(OK);
    const onResponseData = () => {
      throw Object.assign(new Error("too large"), { code: "reply_too_large" });
    };
    expect(await ask({ on: { onResponseData } })).toMatchObject({ error: "reply_too_large" });
    answer = () => {};
    const open = ask();
    await until(() => seen.length === 2, "it is there");
    await client.destroy();
    expect(await open).toMatchObject({ error: "UND_ERR_DESTROYED" });
    expect(await ask()).toMatchObject({ events: ["error"], error: "UND_ERR_DESTROYED" });
  });

  it("is told where nobody listens, and where the body stops coming", async () => {
    answer = (socket) => socket.write(OK.slice(0, -2));
    expect(await ask({ bodyTimeout: 100 })).toMatchObject({ status: 200, body: "hel", error: "UND_ERR_BODY_TIMEOUT" });
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
    expect(await ask()).toMatchObject({ status: 0, error: "ECONNREFUSED" });
  });

  it("is given its time once more after a pause that was longer, and no more", async () => {
    answer = (socket) => socket.write(OK.slice(0, -2));
    let resumed = 0;
    const onResponseData: Dispatcher.DispatchHandler["onResponseData"] = (controller) => {
      controller.pause();
      setTimeout(() => {
        resumed = performance.now();
        controller.resume();
      }, 250);
    };
    const reply = await Promise.race([ask({ bodyTimeout: 100, on: { onResponseData } }), sleep(3_000, "no end")]);
    expect(reply).toMatchObject({ body: "hel", error: "UND_ERR_BODY_TIMEOUT" });
    expect(performance.now() - resumed).toBeGreaterThan(80);
  });

  it("holds the engine up while it is paused", async () => {
    const part = "x".repeat(1 << 20);
    let stuck = false;
    answer = (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${30 * part.length}\r\n\r\n`);
      for (let n = 0; n < 30; n++) stuck = !socket.write(part);
    };
    let resume = () => {};
    const reply = ask({
      on: {
        onResponseStart(controller) {
          controller.pause();
          resume = () => controller.resume();
        },
      },
    });
    await until(() => stuck, "the engine waits");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([...sockets][0]?.writableLength).toBeGreaterThan(1 << 20);
    resume();
    expect((await reply).body.length).toBe(30 * part.length);
  });
});

describe("a connection", () => {
  const OPTIONS = { connectTimeoutMs: 1_000, idleMs: IDLE_MS };

  /** An engine of a kind of its own, that says by what it was asked. */
  async function other(engine: Server, at: string | number, url: (port: number) => string, more: { socketPath?: string } = {}) {
    engine.listen(at);
    await once(engine, "listening");
    const there = engine.address();
    return new EngineClient(new URL(url(typeof there === "object" && there !== null ? there.port : 0)), { ...OPTIONS, ...more });
  }

  it("is encrypted, with a certificate that is trusted and of that name", async () => {
    const pem = readFileSync(new URL("../fixtures/tls/localhost.pem", import.meta.url), "utf8");
    const trusted = tls.getCACertificates("default");
    const resumed: boolean[] = [];
    const engine = tls.createServer({ key: pem, cert: pem, ALPNProtocols: ["h2", "http/1.1"] }, (socket) => {
      resumed.push(socket.isSessionReused());
      socket.on("error", () => {});
      socket.on("data", () => socket.write(OK.replace("hello", `${socket.alpnProtocol}`.slice(-5))));
    });
    const secure = await other(engine, 0, (port) => `https://localhost:${port}`);
    const asAddress = new EngineClient(new URL(`https://127.0.0.1:${(engine.address() as AddressInfo).port}`), OPTIONS);
    try {
      expect(await ask({ client: secure })).toMatchObject({ error: "DEPTH_ZERO_SELF_SIGNED_CERT" });
      tls.setDefaultCACertificates([...trusted, pem]);
      expect(await ask({ client: secure })).toMatchObject({ status: 200, body: "p/1.1" });
      expect(await ask({ client: secure })).toMatchObject({ status: 200, body: "p/1.1" });
      expect(await ask({ client: asAddress })).toMatchObject({ error: "ERR_TLS_CERT_ALTNAME_INVALID" });
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS + 100));
      expect(await ask({ client: secure })).toMatchObject({ status: 200 });
      expect(resumed.at(-1)).toBe(true);
    } finally {
      tls.setDefaultCACertificates(trusted);
      await Promise.all([secure.destroy(), asAddress.destroy()]);
      engine.close();
    }
  });

  it("goes by a unix socket", async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), "signalbox-engine-"));
    const socketPath = path.join(folder, "engine.sock");
    const engine = createServer((socket) => socket.on("data", () => socket.write(OK)));
    const local = await other(engine, socketPath, () => "http://worker", { socketPath });
    expect(await ask({ client: local })).toMatchObject({ status: 200, body: "hello" });
    await local.destroy();
    engine.close();
    rmSync(folder, { recursive: true });
  });

  it("that is not made in time is given up", async () => {
    const deaf = new EngineClient(new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`), {
      ...OPTIONS,
      connectTimeoutMs: 100,
    });
    expect(await ask({ client: deaf })).toMatchObject({ error: "UND_ERR_CONNECT_TIMEOUT" });
    await deaf.destroy();
  });
});
