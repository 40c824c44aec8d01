"use client";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useQueryState } from "nuqs";
import { useDeferredValue } from "react";
import type { AlertPreview, ConditionKind } from "../../api/alert.ts";
import { previewQuery } from "../../api/alert-change.ts";
import { countByPart, KIND_WORDS } from "../../model/alert-rules.ts";
import { formatMoney } from "../../model/money.ts";
import { formatCount, formatShare, plural } from "../../model/numbers.ts";
import { epochMs, formatDuration } from "../../model/time.ts";
import { paths } from "../../paths.ts";
import { alertsParams } from "../../search-params.ts";
import { Segmented } from "../../ui/segmented.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { ClockTime, useNow } from "../../ui/time.tsx";
import { ChangeError } from "../change-error.tsx";

const DAYS = { "24h": 1, "7d": 7, "30d": 30 } as const;
const RANGES = [
  { value: "24h", label: "24 h" },
  { value: "7d", label: "7 days" },
  { value: "30d", label: "30 days" },
] as const;
const PARTS = 60;
const LISTED = 5;

/** When the rule that is being written would have fired, by the collector's own measure. */
export function RulePreview({ condition, forSeconds, kind }: { condition: object | null; forSeconds: number; kind: ConditionKind }) {
  const [range, setRange] = useQueryState("range", alertsParams.range);
  const days = DAYS[range];
  // while one types, what was found last stays
  const asked = useDeferredValue(condition);
  const preview = useQuery({ ...previewQuery(asked, forSeconds, days), placeholderData: keepPreviousData });
  return (
    <section aria-label="preview" className="rounded-md border border-line bg-sunken px-4 py-3" aria-busy={preview.isFetching}>
      <div className="flex flex-wrap items-center justify-between gap-2">
        <p role="status" className="font-medium">
          {preview.data && !preview.error ? summary(preview.data, days) : preview.error ? "No preview" : "Looking back…"}
        </p>
        <Segmented label="preview range" value={range} options={RANGES} onChange={(next) => void setRange(next)} />
      </div>
      {preview.error ? (
        <ChangeError error={preview.error} />
      ) : preview.data === undefined ? (
        <Skeleton className="mt-3 h-16 w-full" />
      ) : (
        preview.data.unavailable === null && <Found preview={preview.data} kind={kind} days={days} />
      )}
    </section>
  );
}

function summary({ unavailable, count }: AlertPreview, days: number): string {
  const range = days === 1 ? "the last 24 hours" : `the last ${days} days`;
  if (unavailable !== null) return unavailable;
  return count === 0 ? `Would not have fired in ${range}` : `Would have fired ${plural(count, "time")} in ${range}`;
}

function Found({ preview: { count, alerts }, kind, days }: { preview: AlertPreview; kind: ConditionKind; days: number }) {
  const now = useNow();
  const counts = countByPart(
    alerts.map(({ started_at }) => epochMs(started_at)),
    now - days * 86_400_000,
    now,
    PARTS,
  );
  const most = Math.max(1, ...counts);
  const latest = alerts.slice(-LISTED).reverse();
  return (
    <>
      <div role="img" aria-label={`${count} alerts over the range`} className="mt-3 flex h-12 items-end gap-px border-line-strong border-b">
        {counts.map((height, index) => (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a range are their places
            key={index}
            className="flex-1 rounded-t-[1px] bg-bad"
            style={{ height: height === 0 ? 0 : `${15 + (height / most) * 85}%` }}
          />
        ))}
      </div>
      {latest.length > 0 && (
        <ul aria-label="would have fired" className="mt-2 text-sm">
          {latest.map((alert) => (
            <li key={`${alert.subject} ${alert.started_at}`} className="flex items-baseline gap-3 py-0.5">
              <ClockTime time={alert.started_at} className="shrink-0 text-ink-2" />
              <span className="min-w-0 flex-1 truncate">
                {alert.session_id === null ? (
                  alert.subject
                ) : (
                  <Link href={paths.session(alert.session_id)} prefetch={false} className="underline underline-offset-2 hover:text-ink">
                    {alert.subject}
                  </Link>
                )}
              </span>
              <span className="tabular shrink-0 font-medium">{valueWords(kind, alert.value)}</span>
            </li>
          ))}
          {count > latest.length && <li className="pt-0.5 text-ink-2">and {formatCount(count - latest.length)} before</li>}
        </ul>
      )}
    </>
  );
}

function valueWords(kind: ConditionKind, value: number): string {
  switch (KIND_WORDS[kind].unit) {
    case "usd":
      return formatMoney({ nanousd: String(Math.round(value)), unknownCalls: 0 });
    case "share":
      return formatShare(value);
    case "minutes":
      return formatDuration(value * 1000);
    case "count":
      return formatCount(value);
  }
}
