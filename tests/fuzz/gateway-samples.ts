/** Whole requests and replies of each dialect, with as many kinds of content as fit: what the gateway's cases are made from. */

export const DIALECTS = ["chat", "messages", "responses"] as const;
export type DialectName = (typeof DIALECTS)[number];

export const PATHS: Record<DialectName, string> = {
  chat: "/v1/chat/completions",
  messages: "/v1/messages",
  responses: "/v1/responses",
};

const SCHEMA = { type: "object", properties: { path: { type: "string" } }, required: ["path"] };
const CALLED = '{"path":"/etc/hosts"}';
/** Long enough to be taken for one. */
const IMAGE = `iVBORw0KGgo${"A".repeat(4_000)}=`;

export const REQUESTS: Record<DialectName, object> = {
  chat: {
    max_tokens: 64,
    temperature: 0.5,
    n: 1,
    user: "ann",
    prompt_cache_key: "s-1",
    metadata: { user_id: "u" },
    stream_options: { include_usage: true },
    response_format: { type: "json_schema", json_schema: { name: "f", schema: SCHEMA } },
    tools: [{ type: "function", function: { name: "read", description: "Reads a file", parameters: SCHEMA } }],
    tool_choice: "auto",
    messages: [
      { role: "system", content: "You are brief." },
      {
        role: "user",
        content: [
          { type: "text", text: "What is in it?" },
          { type: "image_url", image_url: { url: `data:image/png;base64,${IMAGE}` } },
        ],
      },
      { role: "assistant", content: null, tool_calls: [{ id: "call_1", type: "function", function: { name: "read", arguments: CALLED } }] },
      { role: "tool", tool_call_id: "call_1", content: "127.0.0.1" },
    ],
  },
  messages: {
    max_tokens: 2_000,
    temperature: 0.5,
    metadata: { user_id: '{"device_id":"d","account_uuid":"a"}' },
    thinking: { type: "enabled", budget_tokens: 1_024 },
    system: [{ type: "text", text: "You are brief.", cache_control: { type: "ephemeral" } }],
    tools: [{ name: "read", description: "Reads a file", input_schema: SCHEMA }],
    tool_choice: { type: "auto" },
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "What is in it?" },
          { type: "image", source: { type: "base64", media_type: "image/png", data: IMAGE } },
        ],
      },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "Hm.", signature: "c2ln" },
          { type: "tool_use", id: "toolu_1", name: "read", input: { path: "/etc/hosts" } },
        ],
      },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: [{ type: "text", text: "127.0.0.1" }] }] },
    ],
  },
  responses: {
    max_output_tokens: 64,
    instructions: "You are brief.",
    prompt_cache_key: "s-1",
    safety_identifier: "ann",
    store: false,
    reasoning: { effort: "low", summary: "auto" },
    client_metadata: { x: "y" },
    tools: [
      { type: "function", name: "read", description: "Reads a file", parameters: SCHEMA },
      { type: "namespace", name: "files", tools: [{ type: "function", name: "write", parameters: SCHEMA }] },
    ],
    input: [
      {
        type: "message",
        role: "user",
        content: [
          { type: "input_text", text: "What is in it?" },
          { type: "input_image", image_url: `data:image/png;base64,${IMAGE}` },
        ],
      },
      { type: "function_call", call_id: "call_1", name: "read", arguments: CALLED },
      { type: "function_call_output", call_id: "call_1", output: "127.0.0.1" },
    ],
  },
};

const sse = (events: readonly object[]) =>
  events.map((event) => `${"type" in event ? `event: ${event.type}\n` : ""}data: ${JSON.stringify(event)}\n\n`).join("");

const CHAT_HEAD = { id: "c", created: 1, model: "m" };
const CHAT_USAGE = { prompt_tokens: 90, completion_tokens: 12, total_tokens: 102, prompt_tokens_details: { cached_tokens: 10 } };
const CHAT_CALL = { id: "call_2", type: "function", function: { name: "read", arguments: CALLED } };
const chunk = (delta: object, finish_reason: string | null = null) => ({
  ...CHAT_HEAD,
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta, finish_reason }],
});

const MESSAGE_HEAD = { id: "msg_1", type: "message", role: "assistant", model: "m" };
const MESSAGE_USAGE = { input_tokens: 80, output_tokens: 12, cache_read_input_tokens: 10, cache_creation_input_tokens: 0 };

const RESPONSE_HEAD = { id: "resp_1", object: "response", created_at: 1, model: "m", error: null, incomplete_details: null };
const RESPONSE_USAGE = { input_tokens: 90, output_tokens: 12, total_tokens: 102, input_tokens_details: { cached_tokens: 10 } };
const PART = { type: "output_text", text: "It is short.", annotations: [] };
const MESSAGE_ITEM = { id: "m_1", type: "message", role: "assistant", status: "completed", content: [PART] };
const CALL_ITEM = { id: "fc_1", type: "function_call", call_id: "call_2", name: "read", arguments: CALLED, status: "completed" };
const RESPONSE = { ...RESPONSE_HEAD, status: "completed", output: [MESSAGE_ITEM, CALL_ITEM], usage: RESPONSE_USAGE };

/** As an engine of the dialect says them. */
export const REPLIES: Record<DialectName, { whole: object; stream: string }> = {
  chat: {
    whole: {
      ...CHAT_HEAD,
      object: "chat.completion",
      choices: [
        { index: 0, message: { role: "assistant", content: "It is short.", tool_calls: [CHAT_CALL] }, finish_reason: "tool_calls" },
      ],
      usage: CHAT_USAGE,
    },
    stream: `${sse([
      chunk({ role: "assistant", content: "" }),
      chunk({ reasoning_content: "Hm." }),
      chunk({ content: "It is short." }),
      chunk({ tool_calls: [{ index: 0, ...CHAT_CALL, function: { name: "read", arguments: "" } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: CALLED } }] }),
      chunk({}, "tool_calls"),
      { ...CHAT_HEAD, choices: [], usage: CHAT_USAGE },
    ])}data: [DONE]\n\n`,
  },
  messages: {
    whole: {
      ...MESSAGE_HEAD,
      content: [
        { type: "thinking", thinking: "Hm.", signature: "c2ln" },
        { type: "text", text: "It is short." },
        { type: "tool_use", id: "toolu_2", name: "read", input: { path: "/etc/hosts" } },
      ],
      stop_reason: "tool_use",
      stop_sequence: null,
      usage: MESSAGE_USAGE,
    },
    stream: sse([
      {
        type: "message_start",
        message: { ...MESSAGE_HEAD, content: [], stop_reason: null, usage: { ...MESSAGE_USAGE, output_tokens: 1 } },
      },
      { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "", signature: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "Hm." } },
      { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "c2ln" } },
      { type: "content_block_stop", index: 0 },
      { type: "content_block_start", index: 1, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "It is short." } },
      { type: "content_block_stop", index: 1 },
      { type: "content_block_start", index: 2, content_block: { type: "tool_use", id: "toolu_2", name: "read", input: {} } },
      { type: "content_block_delta", index: 2, delta: { type: "input_json_delta", partial_json: CALLED } },
      { type: "content_block_stop", index: 2 },
      { type: "message_delta", delta: { stop_reason: "tool_use", stop_sequence: null }, usage: { output_tokens: 12 } },
      { type: "message_stop" },
    ]),
  },
  responses: {
    whole: RESPONSE,
    stream: sse([
      { type: "response.created", response: { ...RESPONSE_HEAD, status: "in_progress", output: [] } },
      { type: "response.output_item.added", output_index: 0, item: { ...MESSAGE_ITEM, status: "in_progress", content: [] } },
      { type: "response.content_part.added", output_index: 0, item_id: "m_1", content_index: 0, part: { ...PART, text: "" } },
      { type: "response.output_text.delta", output_index: 0, item_id: "m_1", content_index: 0, delta: "It is short." },
      { type: "response.output_text.done", output_index: 0, item_id: "m_1", content_index: 0, text: "It is short." },
      { type: "response.content_part.done", output_index: 0, item_id: "m_1", content_index: 0, part: PART },
      { type: "response.output_item.done", output_index: 0, item: MESSAGE_ITEM },
      { type: "response.output_item.added", output_index: 1, item: { ...CALL_ITEM, status: "in_progress", arguments: "" } },
      { type: "response.function_call_arguments.delta", output_index: 1, item_id: "fc_1", delta: CALLED },
      { type: "response.function_call_arguments.done", output_index: 1, item_id: "fc_1", arguments: CALLED },
      { type: "response.output_item.done", output_index: 1, item: CALL_ITEM },
      { type: "response.completed", response: RESPONSE },
    ]),
  },
};
