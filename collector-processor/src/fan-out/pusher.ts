import type { SecureContextOptions } from "node:tls";
import { ProtobufReader } from "../otlp/protobuf-reader.ts";

export interface PushConfig {
  protocol: "http" | "grpc";
  /** Where the traces go. HTTP: the whole URL, as http://127.0.0.1:4318/v1/traces; gRPC: the origin, as http://127.0.0.1:4317. */
  url: string;
  headers: Record<string, string>;
  gzip: boolean;
  timeoutMs: number;
  /** For https, PEM: the authorities that are trusted, and our own certificate; null: Node's authorities, and none of ours. */
  tls: Pick<SecureContextOptions, "ca" | "cert" | "key"> | null;
}

/**
 * What became of a push. taken: the destination has it, but for so many spans that it rejected. retry: it may have it another time, not
 * before so many milliseconds where it said so. refused: never.
 */
export type PushResult =
  | { kind: "taken"; rejectedSpans: number; message: string }
  | { kind: "retry"; reason: string; afterMs: number | null }
  | { kind: "refused"; reason: string };

/** Sends ExportTraceServiceRequests to one place, one at a time. */
export interface Pusher {
  /** Never rejects: what went wrong is in the result. */
  push(body: Buffer): Promise<PushResult>;
  close(): void;
}

/** Bytes of an answer that are read. */
export const MAX_ANSWER_BYTES = 64 * 1024;

/** ExportTraceServiceResponse{ partial_success = 1 { rejected_spans = 1, error_message = 2 } }; an answer that is none says nothing. */
export function taken(body: Buffer): PushResult {
  const result = { kind: "taken" as const, rejectedSpans: 0, message: "" };
  try {
    const reader = new ProtobufReader(body);
    while (reader.position < body.length) {
      const tag = reader.tag();
      if (tag !== 0x0a) {
        reader.skip(tag, body.length);
        continue;
      }
      const end = reader.lengthDelimited(body.length);
      while (reader.position < end) {
        const field = reader.tag();
        if (field === 0x08) result.rejectedSpans = reader.varint();
        else if (field === 0x12) result.message = reader.text(reader.lengthDelimited(end));
        else reader.skip(field, end);
      }
    }
  } catch {
    // taken all the same: the status says so
  }
  return result;
}
