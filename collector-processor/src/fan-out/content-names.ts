import { Attribute } from "@signalbox/otel/conventions";

/** Attributes that hold what people, models and tools said, in the conventions and in the emitters' own names. */
const NAMES = new Set<string>([
  Attribute.inputMessages,
  Attribute.outputMessages,
  Attribute.systemInstructions,
  Attribute.toolArguments,
  Attribute.toolResult,
  "gen_ai.tool.definitions",
  "gen_ai.tool.description",
  // OpenInference
  "input.value",
  "output.value",
  "llm.prompt_template.template",
  "llm.prompt_template.variables",
  "tool.parameters",
  // OpenLLMetry
  "traceloop.entity.input",
  "traceloop.entity.output",
  // Langfuse
  "langfuse.trace.input",
  "langfuse.trace.output",
  "langfuse.observation.input",
  "langfuse.observation.output",
  // Claude Code, Codex
  "prompt",
  "user_prompt",
  "response",
  "arguments",
  "output",
  "tool_input",
  "tool_parameters",
  "new_context",
  "system_prompt_preview",
  "db.query.text",
  "db.statement",
]);
/** Families of names: one attribute a message, or a part of one. */
const FAMILIES =
  /^(?:gen_ai\.(?:prompt|completion|content)(?:\.|$)|llm\.(?:input_messages|output_messages|prompts|completions|tools)(?:\.|$)|ai\.(?:prompt|response\.(?:text|object|toolCalls|reasoning)|toolCall\.(?:args|result|input|output)|value|values|embedding)|openclaw\.content\.|retrieval\.documents\.|(?:input|output)\.(?:messages|documents)(?:\.|$))/;
/** Events that are content as a whole: only their name and time go out. */
const EVENTS = /^(?:gen_ai\.|tool\.output$|tool\.input$|user_prompt$)/;

export const isContentName = (name: string): boolean => NAMES.has(name) || FAMILIES.test(name);
export const isContentEvent = (name: string): boolean => EVENTS.test(name);
