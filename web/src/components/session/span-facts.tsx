"use client";
import { Fragment, type ReactNode } from "react";
import type { Span } from "../../api/span.ts";
import { saving } from "../../model/money.ts";
import { formatCount, formatShare } from "../../model/numbers.ts";
import { callSegments } from "../../model/span-forest.ts";
import { epochMs, formatDuration } from "../../model/time.ts";
import { Badge } from "../../ui/badge.tsx";
import { Money } from "../../ui/money.tsx";
import { siliconLook } from "../../ui/silicon.ts";
import { SiliconName } from "../../ui/silicon-sign.tsx";
import { formatTime, useTimeZone } from "../../ui/time.tsx";
import { SEGMENT_OPACITY } from "./waterfall-look.ts";

/** What a person asks of a span first: when, how long, where, what it cost. */
export function SpanFacts({ span }: { span: Span }) {
  const timeZone = useTimeZone();
  const durationMs = Number(span.duration_ns) / 1e6;
  return (
    <div className="flex flex-col gap-4">
      {span.status === "error" && (
        <p className="break-words rounded-md bg-bad-soft px-3 py-2 text-bad">{span.status_message ?? "This span ended in error."}</p>
      )}
      <Facts
        facts={[
          [
            "Started",
            <span key="t" className="tabular">
              {formatTime(epochMs(span.start_time), timeZone, "full")}
            </span>,
          ],
          [
            "Took",
            <span key="d" className="tabular">
              {formatDuration(durationMs)}
            </span>,
          ],
          ["Agent", span.agent_name],
          ["Tool", span.tool_name],
          ["Task", span.task],
          ["Pool", span.pool && <SiliconName key="p" silicon={span.silicon} name={span.pool} />],
          ["Hardware", span.hardware],
          ["Route", span.route],
          [
            "Model",
            span.model &&
              (span.request_model && span.request_model !== span.model ? `${span.model} (asked for ${span.request_model})` : span.model),
          ],
          ["Provider", span.provider],
          [
            "SLA",
            span.sla_class && (
              <span key="s" className="flex items-center gap-2">
                {span.sla_class}
                {span.sla_met !== null && <Badge tone={span.sla_met ? "good" : "bad"}>{span.sla_met ? "met" : "missed"}</Badge>}
              </span>
            ),
          ],
          ["Key", span.key],
          ["First token", span.ttft_ms !== null && formatDuration(span.ttft_ms)],
          ["Attempt", span.attempt !== null && String(span.attempt)],
        ]}
      />
      <Phases span={span} durationMs={durationMs} />
      {span.is_call && <Bill span={span} />}
    </div>
  );
}

function Phases({ span, durationMs }: { span: Span; durationMs: number }) {
  const segments = callSegments(span, durationMs);
  if (segments.length === 0) return null;
  const color = siliconLook(span.silicon).color;
  return (
    <div>
      <div className="flex h-3 gap-px overflow-hidden rounded-[3px]" aria-hidden>
        {segments.map((segment) => (
          <span
            key={segment.kind}
            style={{ width: `${(segment.to - segment.from) * 100}%`, background: color, opacity: SEGMENT_OPACITY[segment.kind] }}
          />
        ))}
      </div>
      <ul className="tabular mt-1.5 flex flex-wrap gap-x-4 text-ink-2 text-sm">
        {segments.map((segment) => (
          <li key={segment.kind}>
            {segment.kind === "rest" ? "other" : segment.kind} {formatDuration(segment.ms)}
          </li>
        ))}
      </ul>
    </div>
  );
}

const SOURCES: Record<string, string> = {
  reported: "as the provider reported it",
  priced: "tokens at list price",
  measured: "seconds of the pool at its hourly rate",
  estimated: "an estimate",
  unknown: "no price is known",
};

function Bill({ span }: { span: Span }) {
  const saved = span.baseline_nanousd !== null && span.cost_nanousd !== null ? saving(span.baseline_nanousd, span.cost_nanousd) : undefined;
  const cached = span.cache_read_tokens ?? 0;
  return (
    <div className="rounded-md border border-line px-3 py-2.5">
      <Facts
        facts={[
          [
            "Cost",
            <span key="c">
              <Money nanousd={span.cost_nanousd} className="font-medium" />
              {span.cost_source && <span className="text-ink-2">, {SOURCES[span.cost_source]}</span>}
            </span>,
          ],
          [
            "One vendor",
            span.baseline_nanousd !== null && (
              <span key="b">
                <Money nanousd={span.baseline_nanousd} />
                {saved?.fraction != null && <span className="text-ink-2">, {formatShare(saved.fraction)} saved</span>}
              </span>
            ),
          ],
          [
            "Input",
            span.input_tokens !== null && (
              <span key="i" className="tabular">
                {formatCount(span.input_tokens)} tokens
                {cached > 0 && <span className="text-ink-2">, {formatCount(cached)} from cache</span>}
              </span>
            ),
          ],
          [
            "Output",
            span.output_tokens !== null && (
              <span key="o" className="tabular">
                {formatCount(span.output_tokens)} tokens
                {(span.reasoning_tokens ?? 0) > 0 && (
                  <span className="text-ink-2">, {formatCount(span.reasoning_tokens ?? 0)} reasoning</span>
                )}
              </span>
            ),
          ],
        ]}
      />
    </div>
  );
}

function Facts({ facts }: { facts: readonly [string, ReactNode][] }) {
  return (
    <dl className="grid grid-cols-[88px_minmax(0,1fr)] gap-y-1">
      {facts.map(
        ([name, value]) =>
          value !== null &&
          value !== false &&
          value !== "" && (
            <div key={name} className="contents">
              <dt className="text-ink-2">{name}</dt>
              <dd className="min-w-0 break-words">{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

/** Names and values as they were sent. Values are hostile text: shown as text, cut where they are endless. */
export function AttributeTable({ attributes }: { attributes: Readonly<Record<string, unknown>> }) {
  return (
    <dl className="overflow-hidden rounded-md border border-line">
      {Object.entries(attributes)
        .sort(([left], [right]) => left.localeCompare(right))
        .map(([name, value]) => (
          <div
            key={name}
            className="grid grid-cols-[minmax(0,2fr)_minmax(0,3fr)] gap-3 border-line border-b px-3 py-1.5 font-mono text-xs last:border-b-0"
          >
            <dt className="break-words text-ink-2">
              <Name name={name} />
            </dt>
            <dd className="max-h-40 overflow-y-auto whitespace-pre-wrap break-words">{text(value)}</dd>
          </div>
        ))}
    </dl>
  );
}

/** Breaks between its words where it is too long. */
const Name = ({ name }: { name: string }) =>
  name.split(/(?<=[._])/).map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: they stay where they are
    <Fragment key={index}>
      {index > 0 && <wbr />}
      {part}
    </Fragment>
  ));

const text = (value: unknown) => {
  const full = typeof value === "string" ? value : JSON.stringify(value);
  return full.length > 4000 ? `${full.slice(0, 4000)}… (${formatCount(full.length)} characters)` : full;
};
