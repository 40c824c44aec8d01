import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { serialiseResponse as toMessage } from "./anthropic-messages/serialise-response.ts";
import { writeStream as writeMessages } from "./anthropic-messages/write-stream.ts";
import type { ReplyContext } from "./context.ts";
import { serialiseResponse as toCompletion } from "./openai-chat/serialise-response.ts";
import { writeStream as writeChat } from "./openai-chat/write-stream.ts";
import { serialiseResponse as toResponse } from "./openai-responses/serialise-response.ts";
import { writeStream as writeResponses } from "./openai-responses/write-stream.ts";
import { createStreamListener, createStreamTranslator } from "./stream-translator.ts";
import { anyReply } from "./testing/arbitraries.ts";
import { parseResponse, translateResponse } from "./translate.ts";
import { type AssistantPart, DIALECTS, type Dialect, NO_USAGE, type Reply, type StreamEvent } from "./types.ts";

const WRITERS = { "openai-chat": writeChat, "openai-responses": writeResponses, "anthropic-messages": writeMessages };
const SERIALISE = { "openai-chat": toCompletion, "openai-responses": toResponse, "anthropic-messages": toMessage };
const PAIRS = DIALECTS.flatMap((from) => DIALECTS.map((to) => [from, to] as const));
const CONTEXT: ReplyContext = { model: "asked", toolNames: new Map(), includeUsage: true, echo: {}, createdAt: 1_700_000_000 };

function* eventsOf(reply: Reply, cut: number): Generator<StreamEvent> {
  yield { type: "start", id: reply.id, model: reply.model };
  for (const [index, part] of reply.parts.entries()) {
    if (part.kind === "tool_call") {
      const { arguments: text, ...head } = part;
      yield { type: "part_start", index, part: head };
      yield* deltas(index, text, cut);
      yield { type: "part_end", index };
    } else {
      yield { type: "part_start", index, part: { kind: part.kind } };
      yield* deltas(index, part.text, cut);
      yield { type: "part_end", index, ...(part.kind === "thinking" && part.seal && { seal: part.seal }) };
    }
  }
  yield { type: "stop", reason: reply.stop, usage: reply.usage };
}

function* deltas(index: number, text: string, cut: number): Generator<StreamEvent> {
  const chars = [...text];
  for (let at = 0; at < chars.length; at += cut) yield { type: "part_delta", index, text: chars.slice(at, at + cut).join("") };
}

function streamOf(dialect: Dialect, reply: Reply, cut: number): Buffer {
  const writer = WRITERS[dialect](CONTEXT);
  return Buffer.concat([...eventsOf(reply, cut)].flatMap((event) => writer.write(event)));
}

/** The stream in pieces whose lengths go round `lengths`. */
function* pieces(bytes: Buffer, lengths: number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? bytes.length;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

/** The reply that a client of the dialect would put together. */
function collect(dialect: Dialect, bytes: Buffer): Reply {
  const listener = createStreamListener(dialect);
  const reply: Reply = { id: "", model: "", parts: [], stop: "end", usage: NO_USAGE };
  for (const event of [...listener.push(bytes), ...listener.end()]) {
    switch (event.type) {
      case "start":
        reply.id = event.id;
        reply.model = event.model;
        break;
      case "part_start":
        reply.parts[event.index] = event.part.kind === "tool_call" ? { ...event.part, arguments: "" } : { kind: event.part.kind, text: "" };
        break;
      case "part_delta": {
        const part = reply.parts[event.index];
        if (part?.kind === "tool_call") part.arguments += event.text;
        else if (part) part.text += event.text;
        break;
      }
      case "part_end": {
        const part = reply.parts[event.index];
        if (part?.kind === "thinking" && event.seal) part.seal = event.seal;
        break;
      }
      case "stop":
        reply.stop = event.reason;
        reply.usage = event.usage;
        break;
      case "error":
        throw new Error(event.error.message);
    }
  }
  return reply;
}

/** Chat completions do not tell where one text ends and the next begins: all of a kind are one. */
function joined({ parts, ...reply }: Reply): object {
  const textOf = (kind: AssistantPart["kind"]) => parts.map((part) => (part.kind === kind && "text" in part ? part.text : "")).join("");
  const { createdAt: _, ...rest } = reply;
  return { ...rest, text: textOf("text"), thinking: textOf("thinking"), calls: parts.filter((part) => part.kind === "tool_call") };
}

function exact({ createdAt: _, ...reply }: Reply): object {
  return {
    ...reply,
    parts: reply.parts.map((part) => (part.kind === "tool_call" ? { ...part, arguments: JSON.parse(part.arguments) } : part)),
  };
}

describe.each(PAIRS)("a stream of %s for a client of %s", (from, to) => {
  const compare = from === "openai-chat" || to === "openai-chat" ? joined : exact;

  test("says what the whole reply says, however the bytes are cut", () => {
    fc.assert(
      fc.property(
        anyReply,
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 }),
        (reply, cut, lengths) => {
          const source = streamOf(from, reply, cut);
          const translator = createStreamTranslator(from, to, { context: CONTEXT });
          const streamed = Buffer.concat([...[...pieces(source, lengths)].flatMap((piece) => translator.push(piece)), ...translator.end()]);
          const body = JSON.parse(
            JSON.stringify(translateResponse(from, to, JSON.parse(JSON.stringify(SERIALISE[from](reply, CONTEXT))), CONTEXT)),
          );
          expect(compare(collect(to, streamed))).toEqual(compare(parseResponse(to, body)));
          expect(compare(collect(to, streamed))).toMatchObject({
            stop: reply.stop,
            usage: { input: reply.usage?.input, output: reply.usage?.output },
          });
        },
      ),
      { numRuns: 80 },
    );
  });

  test("cut anywhere it still ends properly, once", () => {
    fc.assert(
      fc.property(anyReply, fc.double({ min: 0, max: 1, noNaN: true }), (reply, share) => {
        const source = streamOf(from, reply, 4);
        const translator = createStreamTranslator(from, to, { context: CONTEXT });
        const lost = source.subarray(0, Math.floor(source.length * share));
        const streamed = Buffer.concat([...translator.push(lost), ...translator.end()]);
        expect(translator.ended).toBe(true);
        expect(Buffer.concat(translator.end())).toHaveLength(0);
        const listener = createStreamListener(to);
        const last = [...listener.push(streamed), ...listener.end()].filter(({ type }) => type === "stop" || type === "error");
        expect(last).toHaveLength(1);
      }),
      { numRuns: 60 },
    );
  });
});
