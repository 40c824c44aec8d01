import type { Metrics } from "../metrics.ts";
import { decodeJsonTraces } from "../otlp/decode-json.ts";
import { decodeJsonLogs } from "../otlp/decode-json-logs.ts";
import { decodeProtobufPieces } from "../otlp/decode-protobuf.ts";
import { decodeProtobufLogs } from "../otlp/decode-protobuf-logs.ts";
import { countJsonMetrics, countProtobufMetrics } from "../otlp/metrics.ts";
import { type Encoding, ITEM_NOUN, type Signal } from "../otlp/responses.ts";
import type { ResourceSpans } from "../otlp/traces.ts";
import { type Consumer, Rejections } from "../pipeline.ts";
import { logFacts } from "../processors/log-facts.ts";
import type { TraceBatch } from "../span-batch.ts";
import type { Admission } from "./admission.ts";

/** One export request, whichever protocol brought it. */
export interface ExportRequest {
  signal: Signal;
  encoding: Encoding;
  /** The project of the sender's key; null where spans may say it. */
  project: string | null;
  /** Of its body, as far as it says so. */
  bytes: number;
  /** Reads the body, decompressed. Tells of all bytes that come, as they come, and stops where that throws. */
  read(arrived: (bytes: number) => void): Promise<Buffer>;
}

/**
 * What every OTLP receiver does with a request: admit it, read it, decode it, hand it on. Resolves when the batch is stored, with what was
 * refused of it. @throws MalformedBody, Unavailable, and whatever `read` throws.
 */
export type Intake = (request: ExportRequest) => Promise<Rejections>;

export function createIntake(admission: Admission, next: Consumer<TraceBatch>, metrics: Metrics): Intake {
  return async ({ signal, encoding, project, bytes, read }) => {
    const held = await admission.enter(bytes);
    try {
      const body = await read((more) => held.arrived(more));
      held.is(body.length);
      const rejections = new Rejections(ITEM_NOUN[signal]);
      if (signal === "metrics") {
        metrics.dataPoints(encoding === "json" ? countJsonMetrics(body) : countProtobufMetrics(body));
        return rejections;
      }
      const traces = signal === "logs" ? readLogs(body, encoding, rejections) : readTraces(body, encoding);
      await next.consume({ ...traces, resources: counted(traces.resources), project, rejections });
      metrics.refused(rejections.count);
      return rejections;
    } finally {
      held.is(0);
    }
  };

  function* counted(resources: Iterable<ResourceSpans>): Generator<ResourceSpans> {
    for (const resource of resources) {
      metrics.received(resource.scopes.reduce((count, scope) => count + scope.spans.length, 0));
      yield resource;
    }
  }

  function readTraces(body: Buffer, encoding: Encoding): Traces {
    if (encoding === "json") return decoded(decodeJsonTraces(body));
    return { resources: decodeProtobufPieces(body), original: body };
  }

  /** The records that are facts of their own, as spans; the others are counted and forgotten. */
  function readLogs(body: Buffer, encoding: Encoding, rejections: Rejections): Traces {
    const { resources, payloads, ignored } = logFacts(encoding === "json" ? decodeJsonLogs(body) : decodeProtobufLogs(body), rejections);
    metrics.logsIgnored(ignored);
    return { ...decoded(resources), payloads };
  }
}

type Traces = Pick<TraceBatch, "resources" | "payloads" | "original">;
const decoded = (resources: ResourceSpans[]): Traces => ({ resources, original: resources });
