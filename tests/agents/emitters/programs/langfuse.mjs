// An agent with a tool and two calls through the OpenAI client as Langfuse observes it, a call that is written down by hand with the usage
// that Anthropic reports, an embedding, and a stream.
import { observeOpenAI } from "@langfuse/openai";
import { LangfuseSpanProcessor } from "@langfuse/otel";
import { propagateAttributes, startActiveObservation, startObservation } from "@langfuse/tracing";
import { NodeSDK } from "@opentelemetry/sdk-node";
import OpenAI from "openai";

const { PROVIDER_URL, OTLP_URL } = process.env;
const processor = new LangfuseSpanProcessor({ publicKey: "pk-lf-test", secretKey: "sk-lf-test", baseUrl: OTLP_URL });
const sdk = new NodeSDK({ spanProcessors: [processor], instrumentations: [] });
sdk.start();
const openai = observeOpenAI(new OpenAI({ baseURL: `${PROVIDER_URL}/v1`, apiKey: "sk-test" }));
const tools = [
  { type: "function", function: { name: "weather", description: "Tells it.", parameters: { type: "object", properties: {} } } },
];

await propagateAttributes({ sessionId: "session-1", userId: "u-9", tags: ["demo"] }, () =>
  startActiveObservation(
    "weather-agent",
    async (agent) => {
      const messages = [{ role: "user", content: "What is the weather in Paris today?" }];
      agent.update({ input: { question: messages[0].content } });
      const first = await openai.chat.completions.create({ model: "gpt-5-mini", messages, tools });
      const call = first.choices[0].message.tool_calls[0];
      const tool = startObservation("weather", { input: JSON.parse(call.function.arguments) }, { asType: "tool" });
      tool.update({ output: "It rains in Paris all day long." }).end();
      messages.push(first.choices[0].message, { role: "tool", tool_call_id: call.id, content: "It rains in Paris all day long." });
      const stream = await openai.chat.completions.create({
        model: "gpt-5-mini",
        messages,
        stream: true,
        stream_options: { include_usage: true },
      });
      let answer = "";
      for await (const chunk of stream) answer += chunk.choices[0]?.delta?.content ?? "";
      const generation = startObservation(
        "claude",
        {
          model: "claude-sonnet-4-5",
          input: [{ role: "user", content: "Say that again in one word." }],
          output: { role: "assistant", content: "It is raining there." },
          usageDetails: { input: 100, output: 20, cache_read_input_tokens: 900, cache_creation_input_tokens: 50 },
        },
        { asType: "generation" },
      );
      generation.end();
      startObservation("embed", { model: "text-embedding-3-small", usageDetails: { input: 9 } }, { asType: "embedding" }).end();
      agent.update({ output: { answer } });
    },
    { asType: "agent" },
  ),
);
await processor.forceFlush();
await sdk.shutdown();
