import type { Collector } from "../../collector-processor/src/app.ts";
import type { fanOutStatus } from "../../collector-processor/src/fan-out/status.ts";
import { decodeProtobufTraces } from "../../collector-processor/src/otlp/decode-protobuf.ts";

/** Every span of what a sink took, in order. */
export const spansIn = (bodies: Buffer[]) =>
  bodies.flatMap((body) => decodeProtobufTraces(body).flatMap((resource) => resource.scopes.flatMap((scope) => scope.spans)));
export const namesIn = (bodies: Buffer[]) => spansIn(bodies).map((one) => one.name);

export async function fanOutMetric(collector: Collector, name: string, labels: string): Promise<number> {
  const text = await (await fetch(`${collector.url}/metrics`)).text();
  const line = text
    .split("\n")
    .find((candidate) => candidate.startsWith(`signalbox_collector_fan_out_${name}{`) && candidate.includes(labels));
  return Number(line?.split(" ").at(-1));
}

/** The first destination, as GET /status shows it. */
export async function destinationStatus(collector: Collector) {
  const { fan_out } = (await (await fetch(`${collector.url}/status`)).json()) as { fan_out: ReturnType<typeof fanOutStatus> };
  if (fan_out[0] === undefined) throw new Error("there is no destination");
  return fan_out[0];
}
