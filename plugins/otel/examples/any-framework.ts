/** Stands for any framework that speaks OpenTelemetry with the GenAI conventions: nothing of Signalbox is in it. */
import { trace } from "@opentelemetry/api";
import { NodeSDK } from "@opentelemetry/sdk-node";

// OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER, OTEL_SERVICE_NAME say the rest
const sdk = new NodeSDK();
sdk.start();
const tracer = trace.getTracer("any-framework");
const session = { "gen_ai.conversation.id": "framework-session" };
tracer.startActiveSpan("invoke_agent helper", { attributes: { ...session, "gen_ai.operation.name": "invoke_agent" } }, (turn) => {
  const call = tracer.startSpan("chat claude-sonnet-4-5", {
    attributes: {
      ...session,
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "anthropic",
      "gen_ai.request.model": "claude-sonnet-4-5",
      "gen_ai.usage.input_tokens": 1_000,
      "gen_ai.usage.output_tokens": 100,
    },
  });
  call.end();
  turn.end();
});
await sdk.shutdown();
