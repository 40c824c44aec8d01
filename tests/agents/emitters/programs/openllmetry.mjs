// A workflow with an agent and a tool around two calls of the OpenAI client, as OpenLLMetry's SDK for Node reports them.
import * as traceloop from "@traceloop/node-server-sdk";
import OpenAI from "openai";

const { PROVIDER_URL, OTLP_URL } = process.env;
traceloop.initialize({
  appName: "weather",
  baseUrl: OTLP_URL,
  apiKey: "test",
  disableBatch: true,
  silenceInitializationMessage: true,
  instrumentModules: { openAI: OpenAI },
});
const openai = new OpenAI({ baseURL: `${PROVIDER_URL}/v1`, apiKey: "sk-test" });
const tools = [
  { type: "function", function: { name: "weather", description: "Tells it.", parameters: { type: "object", properties: {} } } },
];

await traceloop.withAssociationProperties({ session_id: "session-1", user_id: "u-9" }, () =>
  traceloop.withWorkflow({ name: "forecast" }, () =>
    traceloop.withAgent({ name: "weather-agent" }, async () => {
      const messages = [{ role: "user", content: "What is the weather in Paris today?" }];
      const first = await openai.chat.completions.create({ model: "gpt-5-mini", messages, tools });
      const call = first.choices[0].message.tool_calls[0];
      const content = await traceloop.withTool({ name: "weather" }, async (_city) => "It rains in Paris all day long.", "Paris");
      messages.push(first.choices[0].message, { role: "tool", tool_call_id: call.id, content });
      const second = await openai.chat.completions.create({ model: "gpt-5-mini", messages });
      return second.choices[0].message.content;
    }),
  ),
);
await traceloop.forceFlush();
