import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { drafts } from "../collector-processor/src/dialects/testing/drafts.ts";
import { encodeTraces } from "../collector-processor/src/fan-out/encode-otlp.ts";
import { Rewriter } from "../collector-processor/src/fan-out/rewrite.ts";
import { decodeJsonTraces } from "../collector-processor/src/otlp/decode-json.ts";
import { decodeJsonLogs } from "../collector-processor/src/otlp/decode-json-logs.ts";
import { decodeProtobufTraces } from "../collector-processor/src/otlp/decode-protobuf.ts";
import type { ResourceSpans } from "../collector-processor/src/otlp/traces.ts";
import { Rejections } from "../collector-processor/src/pipeline.ts";
import { logFacts } from "../collector-processor/src/processors/log-facts.ts";
import { readFixtures } from "./agents/capture/fixture-folder.ts";

/** With content off no text of a message leaves, whoever sent it. What a message says is taken from elsewhere than the list of names. */

const bytesOf = (body: unknown) => Buffer.from(JSON.stringify(body));

/** What goes out of a request's spans, as text. */
async function sent(resources: ResourceSpans[], content: boolean): Promise<{ spans: number; text: string }> {
  const rewriter = new Rewriter(encodeTraces(resources), { content, wants: () => true });
  for (const draft of await drafts(resources, { keepNoise: true })) rewriter.add(draft);
  const { bytes, spans } = rewriter.take();
  // through the decoder, so that nothing hides in a length prefix
  expect(decodeProtobufTraces(bytes).length).toBeLessThanOrEqual(resources.length);
  return { spans, text: bytes.toString("utf8") };
}

/** Pieces of every string that people, models and tools may have written: of some length, and of more than one word. */
function pieces(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value === "string") {
    for (let start = 0; start + 24 <= value.length; start += 200) {
      const piece = value.slice(start, start + 24);
      if (piece.split(" ").length > 2) found.add(piece);
    }
    if (/^\s*[[{]/.test(value)) {
      try {
        pieces(JSON.parse(value), found);
      } catch {
        // a text that begins so
      }
    }
  } else if (Array.isArray(value)) for (const element of value) pieces(element, found);
  else if (typeof value === "object" && value !== null) for (const element of Object.values(value)) pieces(element, found);
  return found;
}

const found = (wanted: ReadonlySet<string>, text: string) => [...wanted].filter((piece) => text.includes(piece));

describe.each(["claude-code", "codex"])("%s: what it and the model said to each other", (agent) => {
  const fixtures = readFixtures(agent);
  it.each(fixtures.map((fixture) => [fixture.header.scenario, fixture] as const))("%s", async (_scenario, { records }) => {
    const said = new Set<string>();
    for (const record of records) {
      if (record.kind === "request") pieces(record.body, said);
      if (record.kind === "response") pieces([record.events, record.status < 400 ? record.body : null], said);
    }
    for (const record of records) {
      if (record.kind !== "otlp" || record.signal === "metrics") continue;
      const body = bytesOf(record.body);
      const resources =
        record.signal === "traces" ? decodeJsonTraces(body) : logFacts(decodeJsonLogs(body), new Rejections("log record")).resources;
      expect(found(said, (await sent(resources, false)).text)).toEqual([]);
    }
  });
});

const folder = new URL("./fixtures/dialects/", import.meta.url);
describe("the dialects' fixtures: whatever a dialect takes for a message", () => {
  it.each(readdirSync(folder).filter((file) => file.endsWith(".json")))("%s", async (file) => {
    const { body } = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as { body: unknown };
    const resources = decodeJsonTraces(bytesOf(body));
    const said = new Set<string>();
    for (const { messages } of await drafts(resources)) {
      for (const message of (messages ?? []).flatMap((list) => list.messages)) pieces(JSON.parse(message.body), said);
    }
    const off = await sent(resources, false);
    const on = await sent(resources, true);
    expect(off.spans).toBe(on.spans);
    expect(found(said, off.text)).toEqual([]);
    // what is looked for can be found
    if (said.size > 0) expect(found(said, on.text).length).toBeGreaterThan(0);
  });
});
