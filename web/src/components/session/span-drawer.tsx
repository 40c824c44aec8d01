"use client";
import { Attribute, Operation } from "@signalbox/otel/conventions";
import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useEffect, useRef } from "react";
import { type Span, spanQuery } from "../../api/span.ts";
import { toCandidates } from "../../model/to-api.ts";
import { CopyText } from "../../ui/copy-text.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { Resource } from "../resource.tsx";
import { Candidates } from "./candidates.tsx";
import { MemoryBefore } from "./memory-before.tsx";
import { OperationIcon } from "./operation-icon.tsx";
import { AttributeTable, SpanFacts } from "./span-facts.tsx";

/** Everything one span carries, beside the page that led to it. Escape closes it. */
export function SpanDrawer({ session, spanId, onClose }: { session: string; spanId: string; onClose: () => void }) {
  const query = useQuery(spanQuery(session, spanId));
  const close = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    close.current?.focus({ preventScroll: true });
    const press = (event: KeyboardEvent) => event.key === "Escape" && onClose();
    document.addEventListener("keydown", press);
    return () => {
      document.removeEventListener("keydown", press);
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, [onClose]);
  return (
    <aside
      aria-label="span"
      className="fixed inset-y-0 right-0 z-30 flex w-full flex-col border-line border-l bg-raised shadow-pop sm:w-[460px]"
    >
      <header className="flex h-12 shrink-0 items-center gap-2 border-line border-b px-4">
        {query.data && <OperationIcon operation={query.data.operation} />}
        <h2 className="min-w-0 flex-1 truncate font-medium">{query.data?.name ?? "Span"}</h2>
        <button
          ref={close}
          type="button"
          onClick={onClose}
          aria-label="close"
          className="grid size-7 place-items-center rounded-md text-ink-2 hover:bg-hover hover:text-ink"
        >
          <X size={15} aria-hidden />
        </button>
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto px-4 py-4">
        <Resource query={query} skeleton={<SkeletonRows rows={8} height={32} />}>
          {(span) => (span ? <Details span={span} session={session} /> : <p className="text-ink-2">This session has no such span.</p>)}
        </Resource>
      </div>
    </aside>
  );
}

function Details({ span, session }: { span: Span; session: string }) {
  // an attempt is explained by the decision above it
  const decisionId = span.attempt !== null ? span.parent_span_id : null;
  const decision = useQuery({ ...spanQuery(session, decisionId ?? ""), enabled: decisionId !== null });
  const { [Attribute.decisionCandidates]: own, [Attribute.decisionReason]: reason, ...attributes } = span.attributes ?? {};
  const candidates = own ?? decision.data?.attributes?.[Attribute.decisionCandidates];
  const why = reason ?? decision.data?.attributes?.[Attribute.decisionReason];
  return (
    <div className="flex flex-col gap-6">
      <SpanFacts span={span} />
      {candidates !== undefined && (
        <Section title="Why this pool">
          {typeof why === "string" && <p className="mb-2 text-ink-2 text-sm">{why}</p>}
          <Candidates candidates={toCandidates(candidates)} />
        </Section>
      )}
      {REMEMBERS.has(span.operation) && (
        <Section title="What it had read from memory">
          <MemoryBefore session={session} span={span} />
        </Section>
      )}
      {Object.keys(attributes).length > 0 && (
        <Section title="Attributes">
          <AttributeTable attributes={attributes} />
        </Section>
      )}
      {(span.events ?? []).length > 0 && (
        <Section title="Events">
          <Json value={span.events} />
        </Section>
      )}
      {(span.links ?? []).length > 0 && (
        <Section title="Links">
          <Json value={span.links} />
        </Section>
      )}
      <Section title="Ids">
        <dl className="grid grid-cols-[88px_minmax(0,1fr)] gap-y-1">
          {Object.entries({
            span: span.span_id,
            parent: span.parent_span_id,
            trace: span.trace_id,
            agent: span.agent_id,
            turn: span.turn_id,
            decision: span.decision_id,
          }).map(
            ([name, id]) =>
              id && (
                <div key={name} className="contents">
                  <dt className="text-ink-2">{name}</dt>
                  <dd className="min-w-0">
                    <CopyText text={id} label={`${name} id`} />
                  </dd>
                </div>
              ),
          )}
        </dl>
      </Section>
    </div>
  );
}

/** Steps of an agent: what it had read explains what it did. */
const REMEMBERS: ReadonlySet<string> = new Set([Operation.invokeAgent, Operation.chat, Operation.executeTool, Operation.memory]);

function Section({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section aria-label={title}>
      <h3 className="label mb-2">{title}</h3>
      {children}
    </section>
  );
}

const Json = ({ value }: { value: unknown }) => (
  <pre className="overflow-x-auto whitespace-pre-wrap break-words rounded-md bg-sunken p-3 font-mono text-xs">
    {JSON.stringify(value, null, 2)}
  </pre>
);
