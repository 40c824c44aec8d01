/** What the scheduler's tests share: a scheduler in front of scripted providers, and a receiver for the spans it exports. */

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Attribute } from "@signalbox/otel/conventions";
import { decodeSpans, type ReceivedSpan } from "@signalbox/otel/testing/otlp-sink";
import { startScheduler } from "../../scheduler/src/app.ts";
import { parseConfig } from "../../scheduler/src/config.ts";
import { createLog } from "../../scheduler/src/log.ts";
import { genAiProblems } from "../support/gen-ai-conventions.ts";

export interface SeenSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  /** 2 SERVER, 3 CLIENT */
  kind: number;
  startMs: number;
  endMs: number;
  /** 2 ERROR */
  statusCode: number;
  statusMessage: string | undefined;
  attributes: Record<string, unknown>;
}

export interface SpanSink {
  url: string;
  spans: SeenSpan[];
  /** Spans of one decision once `count` are there; rejects after 20 s. */
  decision(id: string, count: number): Promise<SeenSpan[]>;
  close(): Promise<void>;
}

export async function startSpanSink(): Promise<SpanSink> {
  const spans: SeenSpan[] = [];
  const problems: string[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    // bodies of calls: tests that look for them have a collector
    if (request.url !== "/v1/traces") return void response.writeHead(200).end();
    for (const span of decodeSpans(Buffer.concat(chunks)).map(readSpan)) {
      spans.push(span);
      problems.push(...genAiProblems({ ...span, failed: span.statusCode === 2 }));
    }
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    async decision(id, count) {
      for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(20)) {
        const found = spans.filter((span) => span.attributes[Attribute.decisionId] === id);
        if (found.length >= count) return found;
      }
      throw new Error(`fewer than ${count} spans of decision ${id} came: ${JSON.stringify(spans.map((span) => span.name))}`);
    },
    async close() {
      server.close();
      server.closeAllConnections();
      // whatever a test is about: what the scheduler says is as OpenTelemetry's GenAI conventions have it
      if (problems.length > 0) throw new Error([...new Set(problems)].join("\n"));
    },
  };
}

const readSpan = ({ startTimeUnixNano, endTimeUnixNano, parentSpanId, status, ...span }: ReceivedSpan): SeenSpan => ({
  ...span,
  parentSpanId: parentSpanId || undefined,
  startMs: Number(startTimeUnixNano) / 1e6,
  endMs: Number(endTimeUnixNano) / 1e6,
  statusCode: status.code,
  statusMessage: status.message || undefined,
});

export interface SchedulerUnderTest {
  url: string;
  sink: SpanSink;
  /** Lines of its log. */
  log: string[];
  reload(): Promise<void>;
  /** Its state folder. */
  home: string;
  close(): Promise<void>;
}

/** @param config YAML; `{}` in place of a config text is not one */
export async function startSchedulerUnderTest(
  config: string,
  options: {
    token?: string;
    configFile?: string;
    environment?: Record<string, string>;
    limits?: { maxBodyBytes?: number; queueTimeoutMs?: number; keepAliveMs?: number };
    /** A collector in place of the sink. */
    otlpEndpoint?: string;
  } = {},
): Promise<SchedulerUnderTest> {
  const { environment = {} } = options;
  const home = await mkdtemp(path.join(os.tmpdir(), "signalbox-scheduler-"));
  const sink = await startSpanSink();
  const log: string[] = [];
  const scheduler = await startScheduler({
    ...options,
    config: parseConfig(config, "test config", environment),
    environment,
    home,
    otlpEndpoint: options.otlpEndpoint ?? sink.url,
    log: createLog((line) => log.push(line)),
  });
  return {
    url: scheduler.url,
    sink,
    log,
    reload: scheduler.reload,
    home,
    async close() {
      await scheduler.close();
      await sink.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** For a config: targets that a test's scripted replies meet on any machine, whatever else runs on it. */
export const EASY_SLA = `sla:
  interactive: { ttft_ms: 60000, tpot_ms: 10000 }
  standard: { ttft_ms: 60000, tpot_ms: 10000 }
`;

/** Polls `/readyz` until it says 200. */
export async function ready(url: string, timeoutMs = 110_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const response = await fetch(`${url}/readyz`);
    if (response.status === 200) return;
    if (Date.now() > deadline) throw new Error(`not ready after ${timeoutMs} ms: ${await response.text()}`);
    await sleep(50);
  }
}

export async function until(condition: () => boolean | Promise<boolean>, what: string, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(20);
  }
}
