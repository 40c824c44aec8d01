import { Attribute, Operation } from "@signalbox/otel/conventions";
import { EMITTERS } from "../dialects/index.ts";

/**
 * Attributes that hold what people, models and tools said: the GenAI conventions' opt-in attributes, and what no dialect takes for a
 * message. What the dialects do take is asked of them.
 */
const NAMES = new Set<string>([
  Attribute.inputMessages,
  Attribute.outputMessages,
  Attribute.systemInstructions,
  Attribute.toolArguments,
  Attribute.toolResult,
  "gen_ai.tool.definitions",
  "gen_ai.tool.description",
  "gen_ai.agent.description",
  "gen_ai.evaluation.explanation",
  "gen_ai.memory.query.text",
  "gen_ai.memory.records",
  "gen_ai.retrieval.documents",
  "gen_ai.retrieval.query.text",
  // OpenInference, and what others call by its names
  "input.value",
  "output.value",
  "llm.function_call",
  "llm.invocation_parameters",
  "llm.prompt_template.template",
  "llm.prompt_template.variables",
  "tool.description",
  "tool.json_schema",
  "tool.parameters",
  // Vercel AI SDK: its own settings may hold messages, its tools' schemas speak of the application
  "ai.schema",
  "ai.schema.description",
  // Claude Code, Codex
  "arguments",
  "command",
  "full_command",
  "new_context",
  "output",
  "prompt",
  "response",
  "system_prompt_preview",
  "tool_input",
  "tool_parameters",
  "user_prompt",
  // databases that tools ask
  "db.query.text",
  "db.statement",
]);
/** Families of names: one attribute a message, or a part of one. */
const FAMILIES = new RegExp(
  [
    String.raw`gen_ai\.(?:prompt|completion|content|request\.messages)(?:\.|$)`,
    String.raw`llm\.(?:input_messages|output_messages|prompts|completions|choices|tools)(?:\.|$)`,
    String.raw`ai\.(?:prompt|response\.(?:text|object|toolCalls|reasoning|files|content)|result\.|toolCall\.(?:args|result|input|output)|value|embedding)`,
    String.raw`traceloop\.(?:entity\.(?:input|output)$|prompt\.)`,
    String.raw`langfuse\.(?:observation|trace)\.(?:input|output|metadata)(?:\.|$)`,
    String.raw`openclaw\.content\.`,
    String.raw`embedding\.(?:text|vector|embeddings)`,
    String.raw`retrieval\.documents`,
    String.raw`reranker\.(?:query|input_documents|output_documents)`,
    String.raw`document\.(?:content|metadata)`,
    String.raw`db\.query\.parameter\.`,
    String.raw`(?:input|output)\.(?:messages|documents)(?:\.|$)`,
  ]
    .map((family) => `^${family}`)
    .join("|"),
);
/** Events that are content as a whole: only their name and time go out. */
const EVENTS = /^(?:gen_ai\.|tool\.output$|tool\.input$|user_prompt$)/;

/** Emitters have few names, which come in every span; a sender that makes up names must not fill the memory. */
const REMEMBERED = 10_000;
const REMEMBERED_CHARACTERS = 200;
const known = new Map<string, boolean>();

export function isContentName(name: string): boolean {
  const before = known.get(name);
  if (before !== undefined) return before;
  const answer = NAMES.has(name) || FAMILIES.test(name) || EMITTERS.some((emitter) => emitter.isContent?.(name) === true);
  if (known.size < REMEMBERED && name.length <= REMEMBERED_CHARACTERS) known.set(name, answer);
  return answer;
}
export const isContentEvent = (name: string): boolean => EVENTS.test(name);

/** What went wrong, in words. */
const ERROR_TEXTS = new Set([
  "error",
  "error.message",
  "error_message",
  "exception.message",
  "exception.stacktrace",
  "langfuse.observation.status_message",
]);
/** Their errors are a provider's or our own. A tool's error is the tool's result, which agents and the spans around them repeat. */
const ERROR_SPEAKERS = new Set<string>([Operation.chat, Operation.embeddings, Operation.schedule, Operation.migrate]);

export const isErrorText = (name: string): boolean => ERROR_TEXTS.has(name);
/** Whether spans of an operation keep their error texts where content does not go out; the error's type and the status always do. */
export const saysErrors = (operation: string): boolean => ERROR_SPEAKERS.has(operation);
