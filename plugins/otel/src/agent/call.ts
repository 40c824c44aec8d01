import { type Span, SpanKind } from "@opentelemetry/api";
import { Attribute, Operation, RequestHeader, ResponseHeader, spanName } from "../conventions.ts";
import { formatTraceparent } from "../trace-context.ts";
import { contentJson } from "./content.ts";
import { inputMessages } from "./messages.ts";
import { ReplyReader } from "./reply.ts";
import { GATEWAY, identityHeaders, type Scope, UNKNOWN_PROVIDER } from "./scope.ts";
import type { LlmCall, LlmOptions, Work } from "./types.ts";
import type { SpanAttributes, SpanSpec } from "./work.ts";

export interface DescribedCall {
  scope: Scope;
  spec: SpanSpec;
  /** What the caller gets. */
  handle(work: Work): LlmCall;
  /** What was seen of the reply, once it is over. */
  told(): SpanAttributes;
}

/** A model call: what is known before it, and after. */
export function describeCall(
  scope: Scope,
  call: LlmOptions,
  { routed, content, sendsTraceparent }: { routed: boolean; content: boolean; sendsTraceparent: boolean },
): DescribedCall {
  const reply = new ReplyReader();
  let isRouted = call.routed ?? routed;
  let answer: SpanAttributes = {};
  return {
    scope,
    spec: {
      name: spanName.chat(call.model),
      kind: SpanKind.CLIENT,
      attributes: {
        [Attribute.operation]: Operation.chat,
        [Attribute.requestModel]: call.model,
        [Attribute.inputMessages]: content && call.input !== undefined ? contentJson(inputMessages(call.input)) : undefined,
      },
    },
    handle({ span, signal }) {
      return {
        span,
        signal,
        headers: { ...identityHeaders(scope), ...(sendsTraceparent && { [RequestHeader.traceparent]: traceparentOf(span) }) },
        see: (value) => reply.see(value),
        record: (facts) => reply.record(facts),
        answered(headers) {
          const header = (name: string) => headers.get(name) ?? undefined;
          isRouted ||= headers.has(ResponseHeader.decision);
          answer = {
            [Attribute.decisionId]: header(ResponseHeader.decision),
            [Attribute.route]: header(ResponseHeader.route),
            [Attribute.pool]: header(ResponseHeader.pool),
            [Attribute.silicon]: header(ResponseHeader.silicon),
          };
        },
      };
    },
    told() {
      const message = content ? reply.message() : undefined;
      const provider = call.provider ?? (isRouted ? GATEWAY : reply.provider) ?? UNKNOWN_PROVIDER;
      if (scope.turn !== undefined) scope.turn.provider ??= provider;
      return {
        [Attribute.provider]: provider,
        ...reply.attributes(),
        ...answer,
        [Attribute.routed]: isRouted || undefined,
        [Attribute.outputMessages]: message === undefined ? undefined : contentJson([message]),
      };
    },
  };
}

const traceparentOf = (span: Span): string => {
  const { traceId, spanId } = span.spanContext();
  return formatTraceparent({ traceId, spanId, sampled: true });
};
