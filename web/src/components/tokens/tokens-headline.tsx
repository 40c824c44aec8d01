"use client";
import type { CostPage } from "../../api/cost.ts";
import { saving, sumMoney } from "../../model/money.ts";
import { formatCompact, formatShare, plural } from "../../model/numbers.ts";
import { Money } from "../../ui/money.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Figure } from "../../ui/stat.tsx";

/** The range in five numbers. */
export function TokensHeadline({ totals }: { totals: CostPage | undefined }) {
  if (!totals) return <Skeleton className="h-14 w-full" />;
  const rows = totals.data;
  const sum = (pick: (row: CostPage["data"][number]) => number) => rows.reduce((all, row) => all + pick(row), 0);
  const add = (pick: (row: CostPage["data"][number]) => string) => sumMoney(rows.map(pick)).nanousd;
  const cost = add((row) => row.cost_nanousd ?? "0");
  const unknownCalls = sum((row) => row.unknown_cost_calls);
  const calls = sum((row) => row.calls);
  const input = sum((row) => row.input_tokens);
  const cached = sum((row) => row.cache_read_tokens);
  const baseline = add((row) => row.comparable_baseline_nanousd);
  const saved = saving(String(baseline), String(add((row) => row.comparable_cost_nanousd)));
  return (
    <dl className="grid grid-cols-2 gap-x-8 gap-y-4 rounded-lg border border-line bg-surface px-4 py-3.5 sm:grid-cols-3 lg:grid-cols-5">
      <Figure
        label="Cost"
        value={<Money nanousd={unknownCalls === calls && calls > 0 ? null : String(cost)} unknownCalls={unknownCalls} />}
        note={unknownCalls > 0 ? `cost of ${plural(unknownCalls, "call")} unknown` : "every call has a price"}
      />
      <Figure
        label="Saved against one vendor"
        value={saved.fraction === null ? <span className="text-ink-3 italic">no baseline</span> : <Money nanousd={String(saved.nanousd)} />}
        note={
          saved.fraction === null ? undefined : (
            <>
              {formatShare(saved.fraction)} of <Money nanousd={String(baseline)} />
            </>
          )
        }
      />
      <Figure
        label="Calls"
        value={formatCompact(calls)}
        note={`${plural(
          sum((row) => row.errors),
          "failed attempt",
        )}`}
      />
      <Figure
        label="Input tokens"
        value={formatCompact(input)}
        note={input > 0 ? `${formatShare(cached / input)} read from cache` : undefined}
      />
      <Figure
        label="Output tokens"
        value={formatCompact(sum((row) => row.output_tokens))}
        note={`${formatCompact(sum((row) => row.reasoning_tokens))} of it reasoning`}
      />
    </dl>
  );
}
