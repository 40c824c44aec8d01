// generateText of two steps with a tool, streamText, embed and embedMany, as the AI SDK's own OpenTelemetry integration reports them.
import { createOpenAI } from "@ai-sdk/openai";
import { OpenTelemetry } from "@ai-sdk/otel";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { NodeSDK, tracing } from "@opentelemetry/sdk-node";
import { embed, embedMany, generateText, registerTelemetry, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const { PROVIDER_URL, EMBEDDINGS_URL, OTLP_URL } = process.env;
const exporter = new OTLPTraceExporter({ url: `${OTLP_URL}/v1/traces` });
const sdk = new NodeSDK({ spanProcessors: [new tracing.BatchSpanProcessor(exporter)], instrumentations: [] });
sdk.start();
registerTelemetry(new OpenTelemetry({ runtimeContext: true }));
const openai = createOpenAI({ baseURL: `${PROVIDER_URL}/v1`, apiKey: "sk-test" });
// a key of the context goes out where it is named
const telemetry = { functionId: "weather-agent", includeRuntimeContext: { sessionId: true, userId: true } };
const runtimeContext = { sessionId: "session-1", userId: "u-9" };
const weather = tool({
  description: "Tells the weather of a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async () => "It rains in Paris all day long.",
});
const model = openai.chat("gpt-5-mini");

await generateText({
  model,
  instructions: "You are a forecaster of few words.",
  prompt: "What is the weather in Paris today?",
  tools: { weather },
  stopWhen: stepCountIs(3),
  runtimeContext,
  telemetry,
});
const { textStream } = streamText({ model, prompt: "Tell me that once more, please.", runtimeContext, telemetry });
for await (const _ of textStream);
const embedding = createOpenAI({ baseURL: `${EMBEDDINGS_URL}/v1`, apiKey: "sk-test" }).embeddingModel("text-embedding-3-small");
await embed({ model: embedding, value: "rain over the city of Paris", telemetry });
await embedMany({ model: embedding, values: ["one rainy day", "another rainy day"], telemetry });
await sdk.shutdown();
