import type { Metrics } from "../metrics.ts";
import { decodeJsonTraces } from "../otlp/decode-json.ts";
import { decodeJsonLogs } from "../otlp/decode-json-logs.ts";
import { decodeProtobufPieces, decodeProtobufTraces } from "../otlp/decode-protobuf.ts";
import { decodeProtobufLogs } from "../otlp/decode-protobuf-logs.ts";
import { countJsonMetrics, countProtobufMetrics } from "../otlp/metrics.ts";
import { type Encoding, ITEM_NOUN, type Signal } from "../otlp/responses.ts";
import type { ResourceSpans } from "../otlp/traces.ts";
import { type Consumer, Rejections, Unavailable } from "../pipeline.ts";
import { logFacts } from "../processors/log-facts.ts";
import type { TraceBatch } from "../span-batch.ts";

/** One export request, whichever protocol brought it. */
export interface ExportRequest {
  signal: Signal;
  encoding: Encoding;
  /** The project of the sender's key; null where spans may say it. */
  project: string | null;
  /** Reads the body, decompressed. Tells of all bytes that come, as they come, and stops where that throws. */
  read(arrived: (bytes: number) => void): Promise<Buffer>;
}

/**
 * What every OTLP receiver does with a request: admit it, read it, decode it, hand it on. Resolves when the batch is stored, with what was
 * refused of it. @throws MalformedBody, Unavailable, and whatever `read` throws.
 */
export type Intake = (request: ExportRequest) => Promise<Rejections>;

export interface IntakeParts {
  next: Consumer<TraceBatch>;
  /** Why nothing would be taken now, whatever it is; null: it may be. Asked before a body is read. */
  refusal(): Unavailable | null;
}

/**
 * `maxInflightBytes` bounds the bodies that are read and that wait to be stored, those of all receivers together; beyond, a request is told
 * to come again. One alone may be larger.
 */
export function createIntake(maxInflightBytes: number, { next, refusal }: IntakeParts, metrics: Metrics): Intake {
  let inflightBytes = 0;

  return async ({ signal, encoding, project, read }) => {
    let held = 0;
    const hold = (bytes: number) => {
      const areOthers = inflightBytes > held;
      if (areOthers && inflightBytes + bytes > maxInflightBytes) throw new Unavailable("too many requests are under way");
      held += bytes;
      inflightBytes += bytes;
    };
    try {
      hold(0);
      const refused = refusal();
      if (refused !== null) throw refused;
      const body = await read(hold);
      // decompressed it is larger
      inflightBytes += body.length - held;
      held = body.length;
      const rejections = new Rejections(ITEM_NOUN[signal]);
      if (signal === "metrics") {
        metrics.dataPoints(encoding === "json" ? countJsonMetrics(body) : countProtobufMetrics(body));
        return rejections;
      }
      const traces = signal === "logs" ? readLogs(body, encoding, rejections) : readTraces(body, encoding);
      await next.consume({ ...traces, resources: counted(traces.resources), bytes: body.length, project, rejections });
      metrics.refused(rejections.count);
      return rejections;
    } finally {
      inflightBytes -= held;
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
    return {
      resources: decodeProtobufPieces(body),
      original: () => ({ protobuf: body, resources: decodeProtobufTraces(body) }),
    };
  }

  /** The records that are facts of their own, as spans; the others are counted and forgotten. */
  function readLogs(body: Buffer, encoding: Encoding, rejections: Rejections): Traces {
    const { resources, payloads, ignored } = logFacts(encoding === "json" ? decodeJsonLogs(body) : decodeProtobufLogs(body), rejections);
    metrics.logsIgnored(ignored);
    return { ...decoded(resources), payloads };
  }
}

type Traces = Pick<TraceBatch, "resources" | "payloads" | "original">;
const decoded = (resources: ResourceSpans[]): Traces => ({ resources, original: () => ({ protobuf: null, resources }) });
