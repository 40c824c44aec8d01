export * from "./conventions.ts";
export { createProvider, type IsolatedProvider, type ProviderOptions, SpanKind, type SpanRecord } from "./provider.ts";
export { isSecretName, REDACTED, redactText, redactValue } from "./redact.ts";
export { formatTraceparent, isSpanId, isTraceId, parseTraceparent, type TraceContext } from "./trace-context.ts";
