import { describe, expect, it } from "vitest";
import { claudeCodeReader } from "./import.ts";

const SESSION = "7b53ae41-06c6-43af-8e71-406aafa52c59";
const at = (second: number) => new Date(Date.parse("2026-11-21T02:00:00Z") + second * 1000).toISOString();
const prompt = (second: number, promptId: string, content: unknown) => ({
  type: "user",
  promptId,
  uuid: `u${second}`,
  timestamp: at(second),
  message: { role: "user", content },
});
const answer = (second: number, id: string, block: object, output = 5) => ({
  type: "assistant",
  requestId: `req_${id}`,
  timestamp: at(second),
  message: {
    id: `msg_${id}`,
    model: "claude-sonnet-4-5",
    content: [block],
    usage: { input_tokens: 10, cache_read_input_tokens: 100, cache_creation_input_tokens: 20, output_tokens: output },
  },
});
const tool = (id: string) => ({ type: "tool_use", id, name: "Bash", input: { command: "ls" } });
const result = (second: number, id: string, isError = false) =>
  prompt(second, "p1", [{ type: "tool_result", tool_use_id: id, content: "done", is_error: isError }]);

function read(entries: object[], options: Partial<Parameters<typeof claudeCodeReader>[0]> = {}) {
  const reader = claudeCodeReader({ sessionId: SESSION, content: true, ...options });
  return [...entries.flatMap((entry) => reader.entry(entry)), ...reader.end()];
}
const shape = (spans: ReturnType<typeof read>) => spans.map(({ name, startMs, endMs }) => [name, (endMs - startMs) / 1000]);

describe("a transcript of Claude Code", () => {
  const turn = [
    prompt(0, "p1", "look around"),
    answer(2, "a", { type: "text", text: "I look" }, 1),
    answer(3, "a", tool("t1"), 1),
    result(5, "t1"),
    answer(6, "a", tool("t2"), 9),
    result(8, "t2", true),
    answer(9, "b", { type: "text", text: "that is it" }),
  ];

  it("is turns, calls and tool calls; an answer in several entries is one call with the last one's usage", () => {
    const spans = read(turn);
    expect(shape(spans)).toEqual([
      ["execute_tool Bash", 2],
      ["execute_tool Bash", 2],
      ["chat claude-sonnet-4-5", 6],
      ["chat claude-sonnet-4-5", 1],
      ["invoke_agent", 9],
    ]);
    const [, failed, first, second, whole] = spans;
    expect(failed?.error).toEqual({ message: "Bash failed" });
    expect(first?.attributes).toMatchObject({
      "session.id": SESSION,
      "signalbox.turn.id": "p1",
      "gen_ai.usage.input_tokens": 130,
      "gen_ai.usage.cache_read.input_tokens": 100,
      "gen_ai.usage.output_tokens": 9,
      // a gateway may have translated the reply: then its record has the id with another prefix
      "signalbox.import.call_ids": ["msg_a", "req_a", "a", "chatcmpl-a", "resp_a"],
    });
    expect(first?.parentSpanId).toBe(whole?.spanId);
    expect(failed?.attributes["signalbox.import.call_ids"]).toEqual(first?.attributes["signalbox.import.call_ids"]);
    // what the second call was told anew: the answers of the tools
    expect(JSON.parse(String(second?.attributes["gen_ai.input.messages"]))).toHaveLength(2);
  });

  it("gives the same spans each time, and no content where it is not wanted", () => {
    expect(read(turn)).toEqual(read(turn));
    expect(JSON.stringify(read(turn, { content: false }))).not.toMatch(/look around|that is it|"ls"/);
  });

  it("takes secrets out of content", () => {
    const said = read([prompt(0, "p1", "use sk-ant-REDACTED"), answer(1, "a", { type: "text", text: "ok" })]);
    expect(JSON.stringify(said)).not.toContain("sk-ant-api03");
  });

  it("hangs a sub-agent below the tool call that spawned it", () => {
    const meta = { agentType: "Explore", toolUseId: "t1", spawnDepth: 1 };
    const spans = read(turn, { subAgent: { agentId: "a42", meta } });
    const spawning = read(turn).find(({ attributes }) => attributes["gen_ai.tool.call.id"] === "t1");
    expect(spans.at(-1)).toMatchObject({
      parentSpanId: spawning?.spanId,
      traceId: spawning?.traceId,
      attributes: { "signalbox.agent.id": "a42", "signalbox.agent.parent_id": SESSION, "gen_ai.agent.name": "Explore" },
    });
  });

  it("leaves out what Claude Code said itself, turns without a call, and knows no answer of before", () => {
    const synthetic = { ...answer(1, "x", { type: "text", text: "API Error" }), isApiErrorMessage: true };
    expect(read([prompt(0, "p1", "hello"), synthetic, prompt(2, "p2", "hello?"), result(3, "unknown")])).toEqual([]);
  });

  it("tells of memory files below the tool call that read or wrote them, unless it failed", () => {
    const file = "/p/CLAUDE.md";
    const use = (id: string, name: string, input: object) => ({ type: "tool_use", id, name, input: { file_path: file, ...input } });
    const spans = read([
      prompt(0, "p1", "remember"),
      answer(1, "a", use("t1", "Read", { limit: 5 })),
      result(2, "t1"),
      answer(3, "b", use("t2", "Edit", { old_string: "teal", new_string: "green" })),
      result(4, "t2"),
      answer(5, "c", use("t3", "Write", { content: "x" })),
      result(6, "t3", true),
    ]);
    const tools = new Map(spans.map((span) => [span.spanId, span.attributes["gen_ai.tool.call.id"]]));
    expect(
      spans
        .filter(({ name }) => name.startsWith("memory"))
        .map(({ name, attributes, parentSpanId }) => [
          name,
          attributes["signalbox.memory.path"],
          attributes["signalbox.memory.lines"],
          attributes["gen_ai.input.messages"],
          tools.get(parentSpanId ?? ""),
        ]),
    ).toEqual([
      ["memory read", file, "1-5", undefined, "t1"],
      ["memory write", file, undefined, JSON.stringify([{ role: "user", parts: [{ type: "text", content: "- teal\n+ green" }] }]), "t2"],
    ]);
  });

  it("names an entry that has no time", () => {
    expect(() => read([{ type: "user", message: { content: "x" } }])).toThrow("has no timestamp");
  });
});
