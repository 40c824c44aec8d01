import { randomBytes } from "node:crypto";
import { encodeTraces } from "./encode-otlp.ts";

/** An ExportTraceServiceRequest of one span that says that it is a test. `now`: milliseconds since 1970. */
export function testSpan(now: number): { body: Buffer; traceId: string } {
  const traceId = randomBytes(16).toString("hex");
  const span = {
    traceId,
    spanId: randomBytes(8).toString("hex"),
    parentSpanId: "",
    name: "signalbox test span",
    kind: 1,
    startMicros: now * 1000,
    startNanos: 0,
    endMicros: now * 1000,
    endNanos: 0,
    attributes: ["signalbox.test", true],
    statusCode: 0,
    statusMessage: "",
    events: null,
    links: null,
  };
  const scope = { name: "signalbox", version: "", spans: [span] };
  return { body: encodeTraces([{ attributes: ["service.name", "signalbox"], scopes: [scope] }]), traceId };
}
