import { readFileSync } from "node:fs";
import protobuf from "protobufjs";
import type { Json } from "./collector-support.ts";

const schema = readFileSync(new URL("../../collector-processor/src/otlp/trace-service.proto", import.meta.url), "utf8");
const answers = `syntax = "proto3";
message Answer { PartialSuccess partial_success = 1; }
message PartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
message RpcStatus { int32 code = 1; string message = 2; }`;
const requestType = protobuf.parse(schema).root.lookupType("ExportTraceServiceRequest");
const answerRoot = protobuf.parse(answers).root;

/** An OTLP/JSON request as protobuf, encoded by protobufjs. */
export function encodeRequest(json: Json): Buffer {
  // OTLP/JSON has ids in hex where protobuf's own mapping has base64
  const withBytes = JSON.parse(JSON.stringify(json), (key, value) =>
    /^(?:trace|span|parentSpan)Id$/.test(key) ? Buffer.from(value, "hex").toString("base64") : value,
  );
  return Buffer.from(requestType.encode(requestType.fromObject(withBytes)).finish());
}

const decode = (type: string, body: Uint8Array): Json => {
  const decoder = answerRoot.lookupType(type);
  return decoder.toObject(decoder.decode(body), { longs: String });
};

export const decodeAnswer = (body: Uint8Array): Json => decode("Answer", body);
export const decodeStatus = (body: Uint8Array): Json => decode("RpcStatus", body);
