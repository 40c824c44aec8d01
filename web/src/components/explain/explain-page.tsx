"use client";
import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useQueryStates } from "nuqs";
import { costQuery } from "../../api/cost.ts";
import { explainQuery } from "../../api/explain.ts";
import { RANGE_NAMES, RANGES, toTimeSeries } from "../../model/cost-view.ts";
import { explainRange } from "../../model/explain-range.ts";
import { formatUsd, formatUsdShort } from "../../model/money.ts";
import { explainParams } from "../../search-params.ts";
import { Button } from "../../ui/button.tsx";
import { EmptyState } from "../../ui/notice.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Segmented } from "../../ui/segmented.tsx";
import { Skeleton, SkeletonRows } from "../../ui/skeleton.tsx";
import { formatTime, useTimeZone } from "../../ui/time.tsx";
import { TimeChart } from "../../ui/time-chart.tsx";
import { Frame } from "../frame.tsx";
import { Resource } from "../resource.tsx";
import { SavedViews } from "../saved-views.tsx";
import { START_COMMANDS } from "../start-commands.ts";
import { Contributions } from "./contributions.tsx";
import { Periods } from "./periods.tsx";
import { Statements } from "./statements.tsx";

/** Why did it cost that? Pick a range, or click a spike in it. */
export function ExplainPage() {
  const [{ range, by, at }, setParams] = useQueryStates(explainParams);
  const { from, bucket, bucketMs, label } = RANGES[range];
  const timeZone = useTimeZone();
  const explained = explainRange(range, at);
  // UTC days: a bar and the range that is explained must have the same bounds
  const overTime = useQuery(costQuery({ groupBy: ["silicon"], from, bucket }));
  const explanation = useQuery(explainQuery(explained.from, explained.to));
  // nothing in any bar, and nothing before: the first panel says all there is
  const isEmpty =
    overTime.data?.data.length === 0 && explanation.data !== undefined && explanation.data.now.calls + explanation.data.before.calls === 0;
  const picked =
    at === null
      ? null
      : `${formatTime(at, timeZone, "dayhour")} to ${formatTime(at + bucketMs, timeZone, bucketMs > 3_600_000 ? "dayhour" : "minute")}`;

  return (
    <Frame>
      <PageHeader title="Explain">
        {picked && (
          <Button onClick={() => setParams({ at: null })} aria-label={`only ${picked}: explain the whole range again`}>
            <span className="tabular">{picked}</span> <X size={13} aria-hidden />
          </Button>
        )}
        <Segmented
          label="range"
          value={range}
          options={RANGE_NAMES.map((value) => ({ value, label: RANGES[value].label }))}
          onChange={(next) => setParams({ range: next, at: null })}
        />
        <SavedViews />
      </PageHeader>
      <Panel
        title={picked ? `What happened, ${picked}` : `What happened in the last ${label}`}
        aside={
          explanation.data && <Periods explanation={explanation.data} isShort={at === null ? range === "1h" : bucketMs <= 3_600_000} />
        }
      >
        <Resource query={explanation} skeleton={<Skeleton className="h-32 w-full" />}>
          {(data) =>
            data.now.calls + data.before.calls === 0 ? (
              <EmptyState title="No model calls here, nor before" commands={START_COMMANDS}>
                Pick a longer range, or point an agent at Signalbox.
              </EmptyState>
            ) : (
              <Statements explanation={data} />
            )
          }
        </Resource>
      </Panel>
      {!isEmpty && (
        <Panel title="Cost over time" aside="click a bar to explain it">
          <Resource query={overTime} skeleton={<Skeleton className="h-[260px] w-full" />}>
            {(page) => (
              <TimeChart
                data={toTimeSeries(page.data, "silicon", "cost", { ...page, bucketMs })}
                kind="stack"
                format={formatUsd}
                formatAxis={formatUsdShort}
                label={`Cost by silicon over the last ${label}`}
                picked={at}
                onPick={(time) => setParams({ at: time === at ? null : time })}
              />
            )}
          </Resource>
        </Panel>
      )}
      {explanation.data
        ? !isEmpty && <Contributions explanation={explanation.data} by={by} onBy={(next) => setParams({ by: next })} />
        : !explanation.error && <SkeletonRows rows={8} />}
    </Frame>
  );
}
