/** The gateway's own HTTP/1.1 server: what it takes, what it leaves to node:http, and what it survives. */

import { once } from "node:events";
import http, { type IncomingMessage } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "undici";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readBody } from "../../scheduler/src/http/body.ts";
import type { ClientReply, ClientRequest, Handler } from "../../scheduler/src/http/messages.ts";
import { WireRequest } from "../../scheduler/src/http/wire/request.ts";
import { type HotPath, takeHotPath } from "../../scheduler/src/http/wire/server.ts";
import { until } from "./scheduler-support.ts";

const PATH = "/v1/echo";
const MAX_BODY = 4_000_000;

/** Answers with what it was sent, and says who read it. */
async function echo(request: ClientRequest, response: ClientReply): Promise<void> {
  const body = await readBody(request, MAX_BODY);
  const by = request instanceof WireRequest ? "hot" : "node";
  response.writeHead(200, { "content-length": String(body.length), "x-read-by": by, "x-url": request.url ?? "" });
  response.end(body);
}

let server: http.Server;
let hot: HotPath;
let port: number;
/** What the next requests meet. */
let handle: Handler;
const sockets: Socket[] = [];

beforeEach(async () => {
  handle = echo;
  const serve: Handler = (request, response) => handle(request, response).catch(() => void response.destroy());
  server = http.createServer((request, response) => void serve(request, response));
  hot = takeHotPath(server, { handlers: new Map([[PATH, serve]]), maxBodyBytes: MAX_BODY });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  hot.closeAll();
  server.closeAllConnections();
  server.close();
  if (server.listening) await once(server, "close");
});

interface Peer {
  socket: Socket;
  /** All that came. */
  text(): string;
  send(text: string | Buffer): void;
  /** Waits for so many whole answers with a content-length. */
  answers(count: number): Promise<{ status: number; by: string | undefined; body: string }[]>;
  closed(): Promise<void>;
}

async function peer(): Promise<Peer> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  sockets.push(socket);
  let text = "";
  let closed = false;
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", () => {});
  for (const event of ["end", "close"]) socket.on(event, () => (closed = true));
  await once(socket, "connect");
  return {
    socket,
    text: () => text,
    send: (bytes) => void socket.write(bytes),
    async answers(count) {
      await until(() => readAnswers(text).length >= count, `${count} answers in ${JSON.stringify(text.slice(0, 500))}`);
      return readAnswers(text);
    },
    closed: () => until(() => closed, "the connection is closed"),
  };
}

function readAnswers(text: string) {
  const answers: { status: number; by: string | undefined; body: string }[] = [];
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\r\n\r\n", at);
    if (end < 0) break;
    const head = text.slice(at, end);
    const status = Number(head.slice(9, 12));
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    if (text.length < end + 4 + length) break;
    at = end + 4 + length;
    if (status >= 200) answers.push({ status, by: /^x-read-by: (\w+)/im.exec(head)?.[1], body: text.slice(end + 4, at) });
  }
  return answers;
}

const post = (body: string, more = "", path = PATH) =>
  `POST ${path} HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;

describe("a plain request", () => {
  it("is read here, whatever its pieces", async () => {
    const text = post("hello, world", "X-Names: a, b\r\n");
    for (let cut = 1; cut < text.length; cut++) {
      const { send, answers, socket } = await peer();
      send(text.slice(0, cut));
      await new Promise((resolve) => setImmediate(resolve));
      send(text.slice(cut));
      expect([cut, ...(await answers(1))]).toEqual([cut, { status: 200, by: "hot", body: "hello, world" }]);
      socket.destroy();
    }
  });

  it("is read byte by byte, and so is what node:http is left", async () => {
    for (const [text, by] of [
      [post("hello"), "hot"],
      [`POST ${PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, "node"],
    ] as const) {
      const { send, answers } = await peer();
      for (const byte of text) {
        send(byte);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await answers(1)).toEqual([{ status: 200, by, body: "hello" }]);
    }
  });

  it("and a hundred after it go by one connection, small and large", async () => {
    const { send, answers } = await peer();
    for (let n = 1; n <= 100; n++) {
      const body = String.fromCharCode(97 + (n % 26)).repeat(n % 10 === 0 ? 300_000 : n);
      send(post(body));
      expect((await answers(n)).at(-1)).toEqual({ status: 200, by: "hot", body });
    }
  });

  it("that comes before the last one is answered waits its turn", async () => {
    const { send, answers } = await peer();
    send(Array.from({ length: 50 }, (_, n) => post(`request ${n}`)).join(""));
    expect((await answers(50)).map(({ body }) => body)).toEqual(Array.from({ length: 50 }, (_, n) => `request ${n}`));
  });

  it("waits its turn where the answers before it are not read: what is held is bounded", async () => {
    const { send, answers, socket } = await peer();
    const body = "x".repeat(3_000_000);
    socket.pause();
    send(Array.from({ length: 5 }, () => post(body)).join(""));
    await sleep(100);
    socket.resume();
    expect((await answers(5)).every((answer) => answer.body === body && answer.by === "hot")).toBe(true);
  });

  it("keeps its query, the case of its values, and bytes that are no ASCII", async () => {
    const { send, answers, text } = await peer();
    let said: unknown;
    handle = (request, response) => {
      said = request.headers["x-said"];
      return echo(request, response);
    };
    send(Buffer.from(post("ü\u0000ß", "X-Said:\t Voil\u00c3\u00a0 \t\r\n", `${PATH}?beta=True`), "latin1"));
    expect((await answers(1))[0]?.body).toBe("ü\u0000ß");
    expect(said).toBe("Voil\u00c3\u00a0");
    expect(text()).toMatch(new RegExp(`^x-url: ${PATH}\\?beta=True\r$`, "m"));
  });
});

describe("node:http is left", () => {
  const chunked = "Transfer-Encoding: chunked\r\n";
  it.each([
    ["a body in chunks", `POST ${PATH} HTTP/1.1\r\nHost: x\r\n${chunked}\r\n5\r\nhello\r\n0\r\n\r\n`, 200],
    ["another path", post("hello", "", "/other"), 200],
    ["another method", "GET /other HTTP/1.1\r\nHost: x\r\n\r\n", 200],
    ["HEAD, which has no body", `HEAD ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`, 200],
    ["HTTP/1.0", `POST ${PATH} HTTP/1.0\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello`, 200],
    ["one who expects 100", post("hello", "Expect: 100-continue\r\n"), 200],
    ["a field that comes twice", post("hello", "X-Twice: 1\r\nX-Twice: 2\r\n"), 200],
    ["no host", `POST ${PATH} HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello`, 400],
    ["both a length and chunks", post("5\r\nhello\r\n0\r\n\r\n", chunked), 400],
    [
      "chunks, and a length that ends before",
      `POST ${PATH} HTTP/1.1\r\nHost: x\r\n${chunked}Content-Length: 4\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
      400,
    ],
    ["two lengths", post("hello", "Content-Length: 3\r\n"), 400],
    ["a length with a sign", `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello`, 400],
    ["a length that is a list", `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n\r\nhello`, 400],
    ["an encoding hidden by a space", post("hello", "Transfer-Encoding : chunked\r\n"), 400],
    ["an encoding hidden by a tab", post("hello", "Transfer-Encoding:\tchunked\r\n"), 400],
    ["an encoding that is none", post("hello", "Transfer-Encoding: xchunked\r\n"), 400],
    ["a line that is folded", post("hello", "X-Folded: a\r\n b\r\n"), 400],
    ["a line that ends with a line feed alone", post("hello", "X-Bare: a\nX-More: b\r\n"), 400],
    ["a carriage return within a value", post("hello", "X-Bare: a\rb\r\n"), 400],
    ["a zero byte in a value", post("hello", "X-Zero: a\u0000b\r\n"), 400],
    ["a name that is no token", post("hello", "X Name: a\r\n"), 400],
    ["a head without an end, of 20 KB", `POST ${PATH} HTTP/1.1\r\nHost: x\r\nX-Long: ${"x".repeat(20_000)}`, 431],
    ["a head of 20 KB", post("hello", `X-Long: ${"x".repeat(20_000)}\r\n`), 431],
    ["what is no HTTP", "hello\r\n\r\n", 400],
  ])("%s", async (_what, text, status) => {
    const { send, answers } = await peer();
    send(Buffer.from(text, "latin1"));
    const [answer] = await answers(1);
    expect(answer?.status).toBe(status);
    expect(answer?.by).not.toBe("hot");
  });

  it("the rest of a connection, in the middle of it", async () => {
    const { send, answers } = await peer();
    send(`${post("first")}POST ${PATH} HTTP/1.1\r\nHost: x\r\n${chunked}\r\n6\r\nsecond\r\n0\r\n\r\n${post("third")}`);
    expect(await answers(3)).toEqual([
      { status: 200, by: "hot", body: "first" },
      { status: 200, by: "node", body: "second" },
      { status: 200, by: "node", body: "third" },
    ]);
  });

  it("a body that is larger than this reads", async () => {
    const { send, answers } = await peer();
    send(`POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: ${MAX_BODY + 1}\r\n\r\n`);
    handle = async (request, response) => {
      expect(request).not.toBeInstanceOf(WireRequest);
      response.writeHead(413, { "content-length": "0" });
      response.end();
    };
    expect((await answers(1))[0]?.status).toBe(413);
  });
});

describe("a connection", () => {
  it("is closed after the reply where the client asks for it", async () => {
    const { send, answers, closed, text } = await peer();
    send(post("bye", "Connection: close\r\n"));
    expect((await answers(1))[0]).toEqual({ status: 200, by: "hot", body: "bye" });
    await closed();
    expect(text()).toMatch(/^connection: close\r$/im);
  });

  it("whose client leaves tells the handler, before the body came and after", async () => {
    const ends: string[] = [];
    handle = async (request, response) => {
      response.on("close", () => ends.push("left"));
      try {
        await readBody(request, MAX_BODY);
      } catch {
        ends.push("body broken");
      }
    };
    for (const text of [post("hello"), post("hello").slice(0, -2)]) {
      const { socket, send } = await peer();
      send(text);
      await sleep(20);
      socket.end(); // half closed is gone
    }
    await until(() => ends.length === 3, "all are told");
    expect(ends.toSorted()).toEqual(["body broken", "left", "left"]);
  });

  it("gets an early reply whole though its body is still coming, and goes on", async () => {
    const { send, answers } = await peer();
    handle = async (_request, response) => {
      response.writeHead(401, { "content-length": "2" });
      response.end("no");
    };
    const body = "x".repeat(1_000_000);
    send(post(body).slice(0, 500_000));
    expect((await answers(1))[0]).toMatchObject({ status: 401, body: "no" });
    handle = echo;
    send(post(body).slice(500_000) + post("next"));
    expect((await answers(2))[1]).toEqual({ status: 200, by: "hot", body: "next" });
  });

  it("that is idle, or whose request does not come, is closed in time", async () => {
    Object.assign(server, { keepAliveTimeout: 500, keepAliveTimeoutBuffer: 0, headersTimeout: 500, requestTimeout: 500 });
    const [idle, slowHead, slowBody] = [await peer(), await peer(), await peer()];
    idle.send(post("once"));
    slowHead.send(post("hello").slice(0, 30));
    slowBody.send(post("hello").slice(0, -1));
    await Promise.all([idle.closed(), slowHead.closed(), slowBody.closed()]);
    expect(idle.text()).toMatch(/^HTTP\/1.1 200 /);
    expect(slowHead.text()).toMatch(/^HTTP\/1.1 408 /);
    expect(slowBody.text()).toMatch(/^HTTP\/1.1 408 /);
  });

  it("that waits for a slow reply is not idle", async () => {
    Object.assign(server, { keepAliveTimeout: 500, keepAliveTimeoutBuffer: 0, headersTimeout: 500, requestTimeout: 500 });
    handle = async (request, response) => {
      await sleep(2_200);
      await echo(request, response);
    };
    const { send, answers } = await peer();
    send(post("slow"));
    expect(await answers(1)).toEqual([{ status: 200, by: "hot", body: "slow" }]);
  });

  it("is closed with the server: at once where it is idle, else after its reply", async () => {
    let answer = () => {};
    handle = async (_request, response) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      response.writeHead(200, { "content-length": "2" });
      response.end("ok");
    };
    const [idle, busy] = [await peer(), await peer()];
    busy.send(post("hello"));
    await sleep(20);
    const closed = once(server, "close");
    server.close();
    hot.close();
    await idle.closed();
    answer();
    expect((await busy.answers(1))[0]).toMatchObject({ status: 200, body: "ok" });
    await busy.closed();
    await closed;
  });
});

describe("a reply", () => {
  const pieces = ["data: ä\n\n", "x".repeat(100_000), "", "end"];
  const whole = pieces.join("");
  beforeEach(() => {
    handle = async (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream", "set-cookie": ["a=1", "b=2"] });
      response.flushHeaders();
      for (const piece of pieces.slice(0, -1)) {
        response.write(Buffer.from(piece));
        await new Promise((resolve) => setImmediate(resolve));
      }
      response.end(pieces.at(-1));
    };
  });

  it("in pieces is read by node:http's client", async () => {
    const request = http.request({ port, path: PATH, method: "POST", headers: { "content-length": 2 } }).end("{}");
    const [response] = (await once(request, "response")) as [IncomingMessage];
    let text = "";
    for await (const chunk of response.setEncoding("utf8")) text += chunk;
    expect({ text, cookies: response.headers["set-cookie"] }).toEqual({ text: whole, cookies: ["a=1", "b=2"] });
    expect(response.headers).toMatchObject({ "transfer-encoding": "chunked", date: expect.any(String) });
  });

  it("in pieces is read by undici, and the next request goes by the same connection", async () => {
    const client = new Client(`http://127.0.0.1:${port}`);
    for (let n = 0; n < 3; n++) {
      const { body } = await client.request({ path: PATH, method: "POST", body: "{}" });
      expect(await body.text()).toBe(whole);
    }
    await client.close();
  });

  it("waits for a client that is slower, and tells when it has caught up", async () => {
    const part = Buffer.alloc(1 << 20, 120);
    let waited = 0;
    handle = async (_request, response) => {
      response.writeHead(200, {});
      for (let n = 0; n < 30; n++) {
        if (response.write(part)) continue;
        waited++;
        await new Promise<void>((resolve) => response.once("drain", resolve));
      }
      response.end();
    };
    const { socket, send, text } = await peer();
    socket.pause();
    send(post("{}"));
    await until(() => waited > 0, "it waits");
    socket.resume();
    await until(() => text().endsWith("0\r\n\r\n"), "all of it comes");
    expect(text().replace(/[^x]/g, "").length).toBe(30 * part.length);
  });

  it("is refused a header that would end its line", async () => {
    const refused: unknown[] = [];
    handle = async (_request, response) => {
      for (const value of ["a\r\nset-cookie: b", "Ċ"]) {
        try {
          response.writeHead(200, { "x-route": value });
        } catch (error) {
          refused.push(error);
        }
      }
      response.writeHead(204);
      response.end("no body here");
    };
    const { send, text } = await peer();
    send(post("{}"));
    await until(() => text().includes("\r\n\r\n"), "it is answered");
    expect(refused).toEqual([expect.any(TypeError), expect.any(TypeError)]);
    expect(text()).toMatch(/^HTTP\/1.1 204 No Content\r\n(?!.*content-length)(?!.*transfer-encoding).*\r\n\r\n$/is);
  });
});
