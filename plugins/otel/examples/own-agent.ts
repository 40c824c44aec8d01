import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { observeAgent } from "@signalbox/otel/agent";
import OpenAI from "openai";

const exporter = new OTLPTraceExporter({ url: `${process.env.SIGNALBOX_OTLP ?? "http://127.0.0.1:4318"}/v1/traces` });
const sdk = new NodeSDK({ serviceName: "reporter", traceExporter: exporter, instrumentations: [new UndiciInstrumentation()] });
sdk.start();
const client = new OpenAI({ baseURL: `${process.env.SIGNALBOX_SCHEDULER ?? "http://127.0.0.1:4320"}/v1`, apiKey: "none" });
const { session, turn, llm, tool, subagent, shutdown } = observeAgent({ name: "reporter", routed: true, content: true });

const ask = (content: string) => {
  const messages = [{ role: "user" as const, content }];
  return llm({ model: "auto", input: messages }, ({ headers, signal }) =>
    client.chat.completions.create({ model: "auto", messages }, { headers, signal }),
  );
};

await session({ id: "nightly-report", channel: "cron" }, () =>
  turn(async () => {
    await ask("Which figures does tonight's report need?");
    const sales = await tool({ name: "read_sales", arguments: { day: "2026-11-20" } }, () => ({ total: 1_204 }));
    const draft = await tool("delegate", () => subagent("writer", () => ask(`Write the report: ${JSON.stringify(sales)}`)));
    console.log(draft.choices[0]?.message.content);
  }),
);
await shutdown();
await sdk.shutdown();
