import { anyValue, attributes, enumeration, id, list, moment, object, parseBody, text } from "./json-values.ts";
import type { LogRecord, ResourceLogs, ScopeLogs } from "./logs.ts";

const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const SEVERITIES = ["UNSPECIFIED", ...LEVELS.flatMap((level) => [level, `${level}2`, `${level}3`, `${level}4`])].map(
  (name) => `SEVERITY_NUMBER_${name}`,
);

/**
 * Decodes an ExportLogsServiceRequest in OTLP/JSON, as leniently as decodeJsonTraces does.
 * @throws MalformedBody when it is not JSON or a field has a wrong type; the message names the field.
 */
export function decodeJsonLogs(body: Buffer): ResourceLogs[] {
  return list(parseBody(body).resourceLogs, "resourceLogs").map(resourceLogs);
}

function resourceLogs(value: unknown): ResourceLogs {
  const from = object(value, "resourceLogs[]");
  const resource = object(from.resource ?? {}, "resource");
  return { attributes: attributes(resource.attributes, 0), scopes: list(from.scopeLogs, "scopeLogs").map(scopeLogs) };
}

function scopeLogs(value: unknown): ScopeLogs {
  const from = object(value, "scopeLogs[]");
  const scope = object(from.scope ?? {}, "scope");
  return {
    name: text(scope.name, "scope.name"),
    version: text(scope.version, "scope.version"),
    records: list(from.logRecords, "logRecords").map(logRecord),
  };
}

function logRecord(value: unknown): LogRecord {
  const from = object(value, "logRecords[]");
  return {
    time: moment(from.timeUnixNano, "timeUnixNano"),
    observed: moment(from.observedTimeUnixNano, "observedTimeUnixNano"),
    severity: enumeration(from.severityNumber, SEVERITIES, "severityNumber"),
    eventName: text(from.eventName, "eventName"),
    body: anyValue(from.body, 0),
    traceId: id(from.traceId, 32, "traceId"),
    spanId: id(from.spanId, 16, "spanId"),
    attributes: attributes(from.attributes, 0),
  };
}
