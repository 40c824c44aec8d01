import { ROOT_CONTEXT, SpanKind, trace } from "@opentelemetry/api";
import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { Attribute, Operation, spanName } from "@signalbox/otel/conventions";

const MODELS = ["claude-sonnet-4-6", "gpt-5.1", "gpt-5.1-mini", "claude-haiku-4-5"];
const SILICON = ["cpu", "gpu", "cloud"];

/** A batch of agent telemetry, encoded by OpenTelemetry's own serialisers. */
export interface EncodedBatch {
  protobuf: Buffer;
  json: Buffer;
}

/** What of the content is in the spans: a number of a bench's command line. */
export const Content = { none: 0, conversations: 1, toolCalls: 2 } as const;

/**
 * `spans` spans in turns of 16 (one invoke_agent, its model calls and its tool calls), four turns a session, 7 to 17 attributes
 * each, as our scheduler and plugins send them. A turn is one agent's, on one route and pool. Ids are random; times are now. `seed` varies sessions, agents and usage. With
 * `Content.toolCalls`, a tool call carries what the tool was given and gave; with `Content.conversations`, a model call its turn's conversation
 * so far, as agents resend it, and an answer of 300 characters, too.
 */
export function agentBatch(spans: number, seed: number, content: number = Content.none): EncodedBatch {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": "agent-host", "service.version": "1.2.3", "host.name": "dev-1" }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer("agent-plugin", "0.1.0");
  let turn = ROOT_CONTEXT;
  for (let index = 0; index < spans; index++) {
    const position = index % 16;
    const turnNumber = Math.floor(index / 16);
    const route = turnNumber % 4;
    const model = MODELS[route] as string;
    const session = `session-${seed}-${Math.floor(index / 64)}`;
    const who = {
      [Attribute.sessionId]: session,
      [Attribute.signalboxAgentId]: turnNumber % 3 ? session : `${session}-sub-${turnNumber % 4}`,
      [Attribute.agentName]: "planner",
      [Attribute.agentKind]: "openclaw",
      [Attribute.turnId]: `turn-${seed}-${turnNumber}`,
      [Attribute.channel]: "telegram",
    };
    const attributes =
      position === 0
        ? { ...who, [Attribute.operation]: Operation.invokeAgent }
        : position % 3
          ? {
              ...who,
              [Attribute.operation]: Operation.chat,
              [Attribute.provider]: "anthropic",
              [Attribute.requestModel]: model,
              [Attribute.responseModel]: model,
              [Attribute.inputTokens]: 1000 + index * 37,
              [Attribute.outputTokens]: 200 + index,
              [Attribute.cacheReadTokens]: 500 + index,
              [Attribute.route]: `route-${route}`,
              [Attribute.pool]: `pool-${route}`,
              [Attribute.silicon]: SILICON[route % 3] as string,
              ...(content === Content.conversations && conversation(seed, turnNumber, position)),
            }
          : {
              ...who,
              [Attribute.operation]: Operation.executeTool,
              [Attribute.toolName]: "read_file",
              [Attribute.toolCallId]: `toolu_${seed}_${index}`,
              ...(content !== Content.none && {
                [Attribute.toolArguments]: `{"path":"/srv/project/src/file-${index}.ts"}`,
                [Attribute.toolResult]: "export const answer = 42;\n".repeat(4),
              }),
            };
    const name = position === 0 ? spanName.invokeAgent("planner") : position % 3 ? spanName.chat(model) : spanName.executeTool("read_file");
    const span = tracer.startSpan(
      name,
      { kind: position % 3 ? SpanKind.CLIENT : SpanKind.INTERNAL, attributes },
      position ? turn : ROOT_CONTEXT,
    );
    if (position === 0) turn = trace.setSpan(ROOT_CONTEXT, span);
    if (index % 4 === 0) span.addEvent("gen_ai.first_chunk", { ms: index });
    span.end();
  }
  const finished = exporter.getFinishedSpans();
  return {
    protobuf: Buffer.from(ProtobufTraceSerializer.serializeRequest(finished) as Uint8Array),
    json: Buffer.from(JsonTraceSerializer.serializeRequest(finished) as Uint8Array),
  };
}

function conversation(seed: number, turn: number, position: number): Record<string, string> {
  const message = (role: string, index: number) => {
    const content = `${role} ${seed} ${turn} ${index}: ${"what was asked and what was found out. ".repeat(8)}`;
    return { role, parts: [{ type: "text", content }] };
  };
  const input = Array.from({ length: position }, (_, index) => message(index % 2 ? "assistant" : "user", index));
  return {
    [Attribute.inputMessages]: JSON.stringify(input),
    [Attribute.outputMessages]: JSON.stringify([message("assistant", position)]),
  };
}
