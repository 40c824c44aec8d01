import { describe, expect, test } from "vitest";
import { translateRequest, Untranslatable } from "./translate.ts";

/** As Claude Code 2.1 sends it, shortened. */
const CLAUDE_CODE = {
  model: "claude-sonnet-4-5",
  max_tokens: 32_000,
  stream: true,
  system: [
    { type: "text", text: "x-anthropic-billing-header: cc_version=2.1" },
    { type: "text", text: "You are Claude Code.", cache_control: { type: "ephemeral" } },
  ],
  metadata: { user_id: JSON.stringify({ device_id: "d".repeat(64), session_id: "s" }) },
  thinking: { type: "adaptive" },
  output_config: { effort: "high" },
  context_management: { edits: [{ type: "clear_thinking_20251015" }] },
  tools: [
    {
      name: "Bash",
      description: "Runs it.",
      input_schema: { type: "object", properties: { command: { type: "string" } }, required: ["command"] },
    },
  ],
  messages: [
    {
      role: "user",
      content: [
        { type: "text", text: "<system-reminder>…</system-reminder>" },
        { type: "text", text: "List files." },
      ],
    },
    {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "I should list.", signature: "EqQB" },
        { type: "tool_use", id: "toolu_01", name: "Bash", input: { command: "ls" } },
      ],
    },
    {
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "toolu_01", content: "no such folder", is_error: true, cache_control: { type: "ephemeral" } },
      ],
    },
  ],
};

/** As Codex 0.169 sends it, shortened. */
const CODEX = {
  model: "gpt-5-codex",
  instructions: "You are Codex.",
  input: [
    { type: "message", role: "developer", content: [{ type: "input_text", text: "Sandbox: read-only." }] },
    { type: "message", role: "user", content: [{ type: "input_text", text: "List files." }] },
    { type: "reasoning", summary: [{ type: "summary_text", text: "Listing." }], content: null, encrypted_content: "gAAA" },
    { type: "function_call", name: "exec_command", namespace: "shell", arguments: '{"cmd":"ls"}', call_id: "call_1" },
    { type: "function_call_output", call_id: "call_1", output: "a.txt" },
    { type: "custom_tool_call", status: "completed", call_id: "call_2", name: "apply_patch", input: "*** Begin Patch" },
    { type: "custom_tool_call_output", call_id: "call_2", output: "done" },
  ],
  tools: [
    {
      type: "namespace",
      name: "shell",
      description: "Shell.",
      tools: [{ type: "function", name: "exec_command", strict: false, parameters: { type: "object", properties: {} } }],
    },
    {
      type: "custom",
      name: "apply_patch",
      description: "Edits files.",
      format: { type: "grammar", syntax: "lark", definition: "start: begin" },
    },
  ],
  tool_choice: "auto",
  parallel_tool_calls: false,
  reasoning: { effort: "medium", summary: "auto" },
  store: false,
  stream: true,
  include: ["reasoning.encrypted_content"],
  prompt_cache_key: "thread",
  client_metadata: { "x-codex-installation-id": "i" },
};

test("Claude Code in front of a chat completions engine", () => {
  const { body, dropped } = translateRequest("anthropic-messages", "openai-chat", CLAUDE_CODE);
  expect(body).toEqual({
    model: "claude-sonnet-4-5",
    messages: [
      {
        role: "system",
        content: [
          { type: "text", text: "x-anthropic-billing-header: cc_version=2.1" },
          { type: "text", text: "You are Claude Code." },
        ],
      },
      {
        role: "user",
        content: [
          { type: "text", text: "<system-reminder>…</system-reminder>" },
          { type: "text", text: "List files." },
        ],
      },
      {
        role: "assistant",
        content: null,
        reasoning_content: "I should list.",
        tool_calls: [{ id: "toolu_01", type: "function", function: { name: "Bash", arguments: '{"command":"ls"}' } }],
      },
      {
        role: "tool",
        tool_call_id: "toolu_01",
        content: [
          { type: "text", text: "Error:" },
          { type: "text", text: "no such folder" },
        ],
      },
    ],
    tools: [{ type: "function", function: { name: "Bash", description: "Runs it.", parameters: CLAUDE_CODE.tools[0]?.input_schema } }],
    max_completion_tokens: 32_000,
    stream: true,
    stream_options: { include_usage: true },
    reasoning_effort: "high",
  });
  expect(dropped).toEqual(
    expect.arrayContaining(["context_management", "user", "messages[].content[].signature", "messages[].content[].cache_control"]),
  );
});

test("Codex in front of Anthropic", () => {
  const { body, dropped, context } = translateRequest("openai-responses", "anthropic-messages", { ...CODEX, model: "claude-opus-4-8" });
  expect(body).toMatchObject({
    max_tokens: 32_000,
    system: [{ text: "You are Codex." }, { text: "Sandbox: read-only." }],
    messages: [
      { role: "user", content: [{ type: "text", text: "List files." }] },
      { role: "assistant", content: [{ type: "tool_use", id: "call_1", name: "shell__exec_command", input: { cmd: "ls" } }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "call_1", content: [{ type: "text", text: "a.txt" }] }] },
      { role: "assistant", content: [{ type: "tool_use", id: "call_2", name: "apply_patch", input: { input: "*** Begin Patch" } }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "call_2" }] },
    ],
    tools: [{ name: "shell__exec_command" }, { name: "apply_patch", input_schema: { required: ["input"] } }],
    tool_choice: { type: "auto", disable_parallel_tool_use: true },
    thinking: { type: "adaptive" },
    output_config: { effort: "medium" },
    cache_control: { type: "ephemeral" },
  });
  expect(JSON.stringify(body)).not.toContain("gAAA");
  expect(dropped).toEqual(expect.arrayContaining(["client_metadata", "messages[].thinking", "prompt_cache_key"]));
  expect(context.toolNames.get("apply_patch")).toEqual({ name: "apply_patch", custom: true });
});

describe("Anthropic's models", () => {
  const ask = (model: string, more: object = {}) =>
    translateRequest("openai-chat", "anthropic-messages", { model, messages: [{ role: "user", content: "Hi." }], ...more });

  test.each(["claude-opus-4-7", "claude-sonnet-5", "claude-haiku-4-7", "claude-fable-5-1"])(
    "%s gets no sampling and thinks as it likes",
    (model) => {
      const { body, dropped } = ask(model, { temperature: 0.5, top_p: 0.9, reasoning_effort: "minimal" });
      expect(body).not.toHaveProperty("temperature");
      expect(body).toMatchObject({ thinking: { type: "adaptive" }, output_config: { effort: "low" } });
      expect(dropped).toEqual(["temperature", "top_p"]);
    },
  );

  test.each(["claude-haiku-4-5-20251001", "claude-sonnet-4-5", "claude-opus-4-1", "claude-sonnet-4-20250514", "claude-3-7-sonnet-latest"])(
    "%s gets a budget below its limit, and no temperature beside it",
    (model) => {
      expect(ask(model, { temperature: 1.5 }).body).toMatchObject({ temperature: 1 });
      expect(ask(model, { temperature: 0.5, reasoning_effort: "medium", max_tokens: 500 })).toMatchObject({
        body: { max_tokens: 10_740, thinking: { type: "enabled", budget_tokens: 10_240 } },
        dropped: ["temperature"],
      });
    },
  );

  test("a tool turn without thinking of its own goes on without", () => {
    const messages = [
      { role: "user", content: "Go." },
      { role: "assistant", content: null, tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }] },
      { role: "tool", tool_call_id: "c", content: "x" },
    ];
    const { body, dropped } = ask("claude-sonnet-4-5", { messages, reasoning_effort: "high" });
    expect(body).not.toHaveProperty("thinking");
    expect(dropped).toEqual(["reasoning"]);
  });
});

describe("what cannot be translated is refused by its place", () => {
  const user = (part: object) => ({ model: "m", messages: [{ role: "user", content: [{ type: "text", text: "Look:" }, part] }] });
  const CASES = [
    ["openai-chat", user({ type: "input_audio", input_audio: { data: "", format: "wav" } }), "messages[0].content[1]"],
    ["openai-chat", user({ type: "file", file: { file_id: "file-1" } }), "messages[0].content[1].file.file_id"],
    ["openai-chat", { model: "m", messages: [], n: 3 }, "n"],
    ["openai-chat", { model: "m", messages: [], logprobs: true }, "logprobs"],
    ["openai-chat", { model: "m", messages: "hi" }, "messages"],
    ["openai-chat", { messages: [] }, "model"],
    ["openai-responses", { model: "m", input: "hi", previous_response_id: "resp_1" }, "previous_response_id"],
    ["openai-responses", { model: "m", input: "hi", tools: [{ type: "web_search" }] }, "tools[0].type"],
    ["openai-responses", { model: "m", input: [{ type: "item_reference", id: "x" }] }, "input[0].type"],
    ["anthropic-messages", user({ type: "image", source: { type: "file", file_id: "file_1" } }), "messages[0].content[1].source"],
    ["anthropic-messages", { model: "m", messages: [], tools: [{ type: "web_search_20250305", name: "web_search" }] }, "tools[0].type"],
  ] as const;

  test.each(CASES)("%s %j", (from, body, field) => {
    const to = from === "openai-chat" ? "anthropic-messages" : "openai-chat";
    const attempt = () => translateRequest(from, to, body);
    expect(attempt).toThrow(Untranslatable);
    expect(attempt).toThrow(
      expect.objectContaining({ field, error: expect.objectContaining({ status: 400, param: field, retryable: false }) }),
    );
  });

  test("stop sequences, for a Responses engine", () => {
    const attempt = () => translateRequest("openai-chat", "openai-responses", { model: "m", messages: [], stop: "END" });
    expect(attempt).toThrow("stop has no counterpart in openai-responses");
  });

  test("server tools can be left out instead", () => {
    const body = { model: "m", input: "hi", tools: [{ type: "web_search" }] };
    expect(translateRequest("openai-responses", "openai-chat", body, { serverTools: "drop" })).toMatchObject({
      dropped: ["tools[] (web_search)"],
    });
  });
});

describe("what one agent of Codex tells another", () => {
  const message = (encrypted_content: string) => ({
    model: "m",
    input: [
      {
        type: "agent_message",
        author: "/root",
        recipient: "/root/child",
        content: [
          { type: "input_text", text: "Sender: /root\nPayload:\n" },
          { type: "encrypted_content", encrypted_content },
        ],
      },
    ],
  });

  test("is a user's message where it is in the clear", () => {
    const { body } = translateRequest("openai-responses", "openai-chat", message("Count the files."));
    expect(JSON.stringify(body.messages)).toContain("Count the files.");
    expect(body.messages).toMatchObject([{ role: "user" }]);
  });

  test("is refused where OpenAI encrypted it", () => {
    const sealed = message(`gAAAAA${"b".repeat(80)}==`);
    expect(() => translateRequest("openai-responses", "openai-chat", sealed)).toThrow("input[0].content[1].encrypted_content");
  });
});
