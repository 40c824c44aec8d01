import { createServer } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { deliver } from "../../collector-processor/src/alerting/channels/channel.ts";
import type { Notice } from "../../collector-processor/src/alerting/channels/notice.ts";
import { targetGuard } from "../../collector-processor/src/alerting/channels/target-guard.ts";
import { type OtlpSink, otlpSink } from "../support/otlp-sink.ts";

const WAY = { guard: targetGuard(true), timeoutMs: 2_000 };
const alert = (id: string, message: string) => ({
  alert_id: id,
  kind: "session_cost",
  subject: "s",
  session_id: "s",
  value: 6e9,
  threshold: 5,
  message,
  started_at: "2026-11-21T05:00:00.000000Z",
  resolved_at: null,
});
const NOTICE: Notice = {
  delivery_id: "delivery-1",
  occasion: "fired",
  rule_id: "r",
  rule: "costly",
  alerts: [alert("a1", "s <b> spent $6.00"), alert("a2", "t & u spent $7.00")],
};

let sink: OtlpSink;
beforeAll(async () => {
  sink = await otlpSink();
});
afterAll(() => sink.close());
const sent = () => sink.requests.splice(0).map(({ path, body }) => ({ path, body: JSON.parse(body.toString()) }));

it("Slack gets text, with what it would take for markup escaped", async () => {
  await deliver({ kind: "slack", url: `${sink.url}/services/x` }, NOTICE, WAY);
  const text = "[Signalbox] Firing: costly (2 alerts)\n• s &lt;b&gt; spent $6.00\n• t &amp; u spent $7.00";
  expect(sent()).toEqual([{ path: "/services/x", body: { text } }]);
});

it("Telegram gets a message of its bot", async () => {
  await deliver({ kind: "telegram", bot_token: "1:abc", chat_id: "-100", api_url: sink.url }, NOTICE, WAY);
  expect(sent()).toMatchObject([
    { path: "/bot1:abc/sendMessage", body: { chat_id: "-100", text: expect.stringContaining("• s <b> spent") } },
  ]);
});

it("PagerDuty gets an event for each alert, and resolves that very one", async () => {
  const target = { kind: "pagerduty", routing_key: "k".repeat(32), api_url: sink.url } as const;
  await deliver(target, NOTICE, WAY);
  await deliver(target, { ...NOTICE, occasion: "resolved", alerts: NOTICE.alerts.slice(0, 1) }, WAY);
  expect(sent().map(({ path, body }) => [path, body.event_action, body.dedup_key])).toEqual([
    ["/v2/enqueue", "trigger", "a1"],
    ["/v2/enqueue", "trigger", "a2"],
    ["/v2/enqueue", "resolve", "a1"],
  ]);
});

it("an error names the host and not the path, which holds the secret; a silent receiver is given up", async () => {
  sink.answerAlways({ status: 429, headers: { "retry-after": "7" } });
  const failed = deliver({ kind: "slack", url: `${sink.url}/services/secret` }, NOTICE, WAY);
  await expect(failed).rejects.toMatchObject({ message: expect.not.stringContaining("secret"), retryAfterSeconds: 7 });
  sink.answerAlways("hang");
  const silent = deliver({ kind: "slack", url: `${sink.url}/services/secret` }, NOTICE, { ...WAY, timeoutMs: 100 });
  await expect(silent).rejects.toThrow(/^127\.0\.0\.1:\d+ said nothing for 0\.1 s$/);
});

/** As much of SMTP as it takes to get a mail. */
async function smtpServer() {
  const lines: string[] = [];
  const server = createServer((socket) => {
    let inData = false;
    socket.write("220 test\r\n");
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      for (const line of chunk.toString().split("\r\n").filter(Boolean)) {
        lines.push(line);
        if (inData) {
          if (line !== ".") continue;
          inData = false;
        } else if (line === "DATA") {
          inData = true;
          socket.write("354 go on\r\n");
          continue;
        }
        socket.write(line === "QUIT" ? "221 bye\r\n" : line === "STARTTLS" ? "454 no TLS here\r\n" : "250 ok\r\n");
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { lines, port: (server.address() as { port: number }).port, close: () => server.close() };
}

it("e-mail goes by SMTP, and a password never without TLS", async () => {
  const server = await smtpServer();
  const target = { kind: "email", host: "127.0.0.1", port: server.port, from: "box@example.com", to: ["ops@example.com"] } as const;
  try {
    await deliver({ ...target, to: [...target.to] }, NOTICE, WAY);
    expect(server.lines).toEqual(expect.arrayContaining(["RCPT TO:<ops@example.com>", "Subject: [Signalbox] Firing: costly (2 alerts)"]));
    server.lines.splice(0);
    const secret = deliver({ ...target, to: [...target.to], user: "box", password: "the password" }, NOTICE, WAY);
    await expect(secret).rejects.toThrow(/TLS/);
    expect(server.lines.join("\n")).not.toMatch(/AUTH|DATA/);
  } finally {
    server.close();
  }
});
