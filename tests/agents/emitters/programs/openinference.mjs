// An agent span with a tool around two calls and a stream of the OpenAI client, as OpenInference reports them.

import { setSession, setUser } from "@arizeai/openinference-core";
import { OpenAIInstrumentation } from "@arizeai/openinference-instrumentation-openai";
import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { NodeSDK, tracing } from "@opentelemetry/sdk-node";
import OpenAI from "openai";

const { PROVIDER_URL, OTLP_URL } = process.env;
const instrumentation = new OpenAIInstrumentation();
const exporter = new OTLPTraceExporter({ url: `${OTLP_URL}/v1/traces` });
const sdk = new NodeSDK({ spanProcessors: [new tracing.BatchSpanProcessor(exporter)], instrumentations: [instrumentation] });
sdk.start();
instrumentation.manuallyInstrument(OpenAI);
const openai = new OpenAI({ baseURL: `${PROVIDER_URL}/v1`, apiKey: "sk-test" });
const tools = [
  { type: "function", function: { name: "weather", description: "Tells it.", parameters: { type: "object", properties: {} } } },
];

const session = setUser(setSession(context.active(), { sessionId: "session-1" }), { userId: "u-9" });
await context.with(session, async () => {
  const messages = [{ role: "user", content: "What is the weather in Paris today?" }];
  const first = await openai.chat.completions.create({ model: "gpt-5-mini", messages, tools });
  const call = first.choices[0].message.tool_calls[0];
  const tool = trace.getTracer("app").startSpan("weather", {
    attributes: {
      "openinference.span.kind": "TOOL",
      "tool.name": "weather",
      "tool_call.id": call.id,
      "input.value": call.function.arguments,
      "output.value": "It rains in Paris all day long.",
      "session.id": "session-1",
    },
  });
  tool.setStatus({ code: SpanStatusCode.OK }).end();
  messages.push(first.choices[0].message, { role: "tool", tool_call_id: call.id, content: "It rains in Paris all day long." });
  const stream = await openai.chat.completions.create({
    model: "gpt-5-mini",
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const _ of stream);
});
await sdk.shutdown();
