"use client";
import { useQuery } from "@tanstack/react-query";
import { useQueryStates } from "nuqs";
import { useMemo } from "react";
import { type CostPage, costQuery, MOST_COUNTED_CALLS } from "../../api/cost.ts";
import {
  COST_RANGE_NAMES,
  COST_RANGES,
  GROUPING_NAMES,
  GROUPINGS,
  MEASURE_NAMES,
  MEASURES,
  type Measure,
  MOST_GROUPS,
  toTimeSeries,
  totalsOf,
} from "../../model/cost-view.ts";
import { formatUsd, formatUsdShort, sumMoney } from "../../model/money.ts";
import { formatCompact, formatCount } from "../../model/numbers.ts";
import { paths } from "../../paths.ts";
import { tokensParams } from "../../search-params.ts";
import { EmptyState } from "../../ui/notice.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Segmented } from "../../ui/segmented.tsx";
import { seriesLooks } from "../../ui/series-color.ts";
import { Skeleton, SkeletonRows } from "../../ui/skeleton.tsx";
import { TimeChart } from "../../ui/time-chart.tsx";
import { ExportLinks } from "../export-links.tsx";
import { Frame } from "../frame.tsx";
import { Resource } from "../resource.tsx";
import { SavedViews } from "../saved-views.tsx";
import { START_COMMANDS } from "../start-commands.ts";
import { CostTable } from "./cost-table.tsx";
import { TokensHeadline } from "./tokens-headline.tsx";

const FORMATS: Record<Measure, { value: (value: number) => string; axis: (value: number) => string }> = {
  cost: { value: formatUsd, axis: formatUsdShort },
  tokens: { value: formatCount, axis: formatCompact },
  calls: { value: formatCount, axis: formatCompact },
};

const HOUR_MS = 3_600_000;
const costOf = (page: CostPage) => Number(sumMoney(page.data.map((row) => row.cost_nanousd)).nanousd);

/** Where the tokens went: over time as a chart, in total as a table. */
export function TokensPage({ timeZone }: { timeZone: string }) {
  const [{ range, group, measure, chart }, setParams] = useQueryStates(tokensParams);
  const { from, bucket, bucketMs, label: rangeLabel } = COST_RANGES[range];
  const { groupBy } = GROUPINGS[group];
  const tz = bucket === "day" || bucket === "month" ? timeZone : undefined;
  const overTime = useQuery(costQuery({ groupBy, from, bucket, tz, top: MOST_GROUPS }));
  const totals = useMemo(() => overTime.data && totalsOf(overTime.data.data, group), [overTime.data, group]);
  // of the groups only some are shown: the sums at the top are of all calls
  const whole = useQuery(costQuery({ groupBy: ["silicon"], from, tz }));
  const isCut = totals?.length === MOST_GROUPS;
  const options = <T extends string>(names: readonly T[], label: (name: T) => string) =>
    names.map((value) => ({ value, label: label(value) }));

  const header = (
    <PageHeader title="Tokens">
      <Segmented
        label="group by"
        value={group}
        options={options(GROUPING_NAMES, (name) => GROUPINGS[name].label)}
        onChange={(next) => setParams({ group: next })}
      />
      <Segmented
        label="range"
        value={range}
        options={options(COST_RANGE_NAMES, (name) => COST_RANGES[name].label)}
        onChange={(next) => setParams({ range: next })}
      />
      <SavedViews />
    </PageHeader>
  );

  if (totals?.length === 0) {
    return (
      <Frame>
        {header}
        <Panel title="Cost">
          <EmptyState title={`No model calls in the last ${rangeLabel}`} commands={START_COMMANDS}>
            Point an agent at Signalbox, or play the demo fleet through the scheduler.
          </EmptyState>
        </Panel>
      </Frame>
    );
  }

  /** Of too many calls hours come where minutes were asked for. */
  const isByHours = (page: CostPage | undefined) => page !== undefined && page.bucket !== bucket;
  const seriesOf = (page: CostPage) => toTimeSeries(page.data, group, measure, { ...page, bucketMs: isByHours(page) ? HOUR_MS : bucketMs });
  const looksOf = (page: CostPage) => {
    const { series } = seriesOf(page);
    const looks = seriesLooks(series);
    return new Map(series.map((one, index) => [one.key, looks[index]]));
  };

  return (
    <Frame>
      {header}
      {(whole.data || !whole.error) && <TokensHeadline totals={whole.data} />}
      <Panel
        title={`${MEASURES[measure]} over time`}
        aside={
          <>
            {isByHours(overTime.data) && <span>by whole hours, for these are more than {formatCount(MOST_COUNTED_CALLS)} calls</span>}
            <Segmented
              label="measure"
              value={measure}
              options={options(MEASURE_NAMES, (name) => MEASURES[name])}
              onChange={(next) => setParams({ measure: next })}
            />
            <Segmented
              label="chart"
              value={chart}
              options={[
                { value: "stack", label: "Stacked" },
                { value: "lines", label: "Lines" },
              ]}
              onChange={(next) => setParams({ chart: next })}
            />
          </>
        }
      >
        <Resource query={overTime} skeleton={<Skeleton className="h-[260px] w-full" />}>
          {(page) => (
            <TimeChart
              data={seriesOf(page)}
              kind={chart}
              format={FORMATS[measure].value}
              formatAxis={FORMATS[measure].axis}
              label={`${MEASURES[measure]} by ${GROUPINGS[group].label.toLowerCase()} over the last ${rangeLabel}`}
            />
          )}
        </Resource>
      </Panel>
      <Panel
        title={`By ${GROUPINGS[group].label.toLowerCase()}${isCut ? `, the ${MOST_GROUPS} that cost most` : ""}`}
        aside={
          <ExportLinks
            address={(format) =>
              paths.api.cost({ group_by: groupBy.join(","), from, tz, format, bucket: bucket === "month" ? bucket : undefined })
            }
          />
        }
        flush
      >
        <Resource query={overTime} skeleton={<SkeletonRows />}>
          {(page) => (
            <CostTable
              rows={totals ?? []}
              grouping={group}
              looks={looksOf(page)}
              total={costOf(isByHours(page) ? page : (whole.data ?? page))}
            />
          )}
        </Resource>
      </Panel>
    </Frame>
  );
}
