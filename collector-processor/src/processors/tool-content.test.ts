import { Attribute } from "@signalbox/otel/conventions";
import { expect, it } from "vitest";
import { drafts } from "../dialects/testing/drafts.ts";
import { decodeJsonTraces } from "../otlp/decode-json.ts";

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const attributes = [
  text(Attribute.operation, "execute_tool"),
  text(Attribute.toolName, "exec"),
  text(Attribute.toolCallId, "call_1"),
  text(Attribute.toolArguments, '{"command":"cat plan.txt"}'),
  { key: Attribute.toolResult, value: { kvlistValue: { values: [text("stdout", "the plan")] } } },
  text("tool.parameters", "cat plan.txt"),
  text("app.step", "3"),
];
const span = {
  traceId: "1".repeat(32),
  spanId: "2".repeat(16),
  name: "execute_tool exec",
  startTimeUnixNano: "1700000000000000000",
  endTimeUnixNano: "1700000001000000000",
  attributes,
};
const requestOf = (one: object) => Buffer.from(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [one] }] }] }));
const body = requestOf(span);
const CONTENT = { capture: true, messages: 100, messageCharacters: 10_000, rememberedBytes: 1_000_000, payloadBytes: 1024 };

it("what a tool was given and gave is content: messages of its span, and none of its attributes", async () => {
  const [draft] = await drafts(decodeJsonTraces(body), { content: CONTENT });
  const said = (direction: string) =>
    draft?.messages
      ?.filter((one) => one.direction === direction)
      .flatMap(({ messages }) => messages.map(({ body: json }) => JSON.parse(json)));
  expect(said("input")).toEqual([
    { role: "assistant", parts: [{ type: "tool_call", id: "call_1", name: "exec", arguments: '{"command":"cat plan.txt"}' }] },
  ]);
  expect(said("output")).toEqual([
    { role: "tool", parts: [{ type: "tool_call_response", id: "call_1", response: { stdout: "the plan" } }] },
  ]);
  expect(Object.keys(JSON.parse(draft?.row.attributes ?? ""))).not.toContain(Attribute.toolArguments);
  expect(draft?.row.attributes).not.toContain("the plan");
});

it("what an event of the span says of it is kept as well; of what both say, the span's own", async () => {
  const isContent = ({ key }: { key: string }) => key === Attribute.toolArguments || key === Attribute.toolResult;
  const bare = attributes.filter((one) => !isContent(one));
  const events = [{ name: "details", timeUnixNano: span.startTimeUnixNano, attributes: attributes.filter(isContent) }];
  const [own] = await drafts(decodeJsonTraces(body), { content: CONTENT });
  const [told] = await drafts(decodeJsonTraces(requestOf({ ...span, attributes: bare, events })), { content: CONTENT });
  expect(told?.messages).toEqual(own?.messages);
  expect(told?.row.events).not.toContain("the plan");

  const other = [{ ...events[0], attributes: [text(Attribute.toolResult, "another plan")] }];
  const [both] = await drafts(decodeJsonTraces(requestOf({ ...span, events: other })), { content: CONTENT });
  expect(both?.messages).toEqual(own?.messages);
});

it("nothing of it is kept where no content is wanted, whoever sent it and under what name", async () => {
  const [draft] = await drafts(decodeJsonTraces(body), { content: { ...CONTENT, capture: false } });
  expect(draft?.messages).toBeNull();
  expect(JSON.parse(draft?.row.attributes ?? "")).toEqual({ "app.step": "3" });
});
