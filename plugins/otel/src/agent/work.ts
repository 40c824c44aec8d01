import { AsyncLocalStorage } from "node:async_hooks";
import { type Attributes, context, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from "@opentelemetry/api";
import { Attribute } from "../conventions.ts";
import { redactText } from "../redact.ts";
import { identityAttributes, type Scope } from "./scope.ts";
import { SessionStoppedError, type Stops } from "./stops.ts";
import type { Work } from "./types.ts";

export type SpanAttributes = Readonly<Record<string, Attributes[string]>>;

export interface SpanSpec {
  name: string;
  kind?: SpanKind;
  attributes: SpanAttributes;
  /** A trace of its own, linked to what it comes from. */
  detached?: boolean;
}

/** @param isIsolated the spans go to a provider of ours: the process's own context must not show them */
export function createWorks(stops: Stops, tracer: () => Tracer, isIsolated: boolean) {
  const scopes = new AsyncLocalStorage<Scope>();
  const open = new Set<Span>();

  /** A span, its place for what runs inside, and its end. */
  function begin(scope: Scope, { name, kind = SpanKind.INTERNAL, attributes, detached = false }: SpanSpec) {
    const { signal, settled } = stops.begin(scope.agent.lineage, scope.session.project);
    // spans of the process's own instrumentations may stand between ours
    const active = !isIsolated && trace.getSpan(context.active()) !== undefined ? context.active() : scope.context;
    const spawner = trace.getSpanContext(active);
    const span = tracer().startSpan(
      name,
      {
        kind,
        attributes: defined({ ...identityAttributes(scope), ...attributes }),
        ...(detached && { root: true, links: spawner === undefined ? [] : [{ context: spawner }] }),
      },
      active,
    );
    open.add(span);
    const inside: Scope = { ...scope, context: trace.setSpan(active, span) };
    const stopped = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
    stopped.catch(() => {});
    return {
      span,
      signal,
      inside,
      /** Rejects as soon as the session is killed, whether or not `run` heeds the signal. */
      run<T>(run: () => T | Promise<T>): Promise<T> {
        const start = async () => run();
        const work = scopes.run(inside, isIsolated ? start : () => context.with(inside.context, start));
        return Promise.race([work, stopped]);
      },
      end(attributes: SpanAttributes = {}, error?: { thrown: unknown }) {
        open.delete(span);
        span.setAttributes(defined(attributes));
        if (error !== undefined) fail(span, error.thrown);
        span.end();
      },
      settled,
    };
  }

  async function wrap<T>(
    scope: Scope,
    spec: SpanSpec,
    run: (work: Work) => T | Promise<T>,
    told: (result?: T) => SpanAttributes = () => ({}),
  ): Promise<T> {
    const work = begin(scope, spec);
    // what a kill has to wait for, also where nobody waits for its result any more
    const running = async () => {
      try {
        return await run(work);
      } finally {
        work.settled();
      }
    };
    try {
      const result = await work.run(running);
      work.end(told(result));
      return result;
    } catch (error) {
      // what heeds the signal fails in words of its own
      const thrown: unknown = work.signal.aborted ? work.signal.reason : error;
      work.end(told(), { thrown });
      throw thrown;
    }
  }

  return {
    begin,
    wrap,
    /** Where the caller is; undefined outside of a session. */
    here: () => scopes.getStore(),
    within: <T>(scope: Scope, run: () => T): T => scopes.run(scope, run),
    abandonAll() {
      for (const span of open) {
        span.setAttribute(Attribute.errorType, "abandoned");
        span.setStatus({ code: SpanStatusCode.ERROR, message: "the process ended" }).end();
      }
      open.clear();
    },
  };
}

function fail(span: Span, thrown: unknown): void {
  const { status, name, message } = (typeof thrown === "object" && thrown !== null ? thrown : {}) as Record<string, unknown>;
  const type = thrown instanceof SessionStoppedError ? thrown.state : typeof status === "number" ? String(status) : name;
  span.setAttribute(Attribute.errorType, typeof type === "string" ? type : "error");
  span.setStatus({ code: SpanStatusCode.ERROR, message: redactText(String(message ?? thrown), 1_024) });
}

const defined = (attributes: SpanAttributes): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
