"use client";
import { createColumnHelper, createSortedRowModel, rowSortingFeature, sortFns, tableFeatures, useTable } from "@tanstack/react-table";
import { ArrowDown, ArrowUp } from "lucide-react";
import { useDeferredValue, useMemo } from "react";
import type { CostRow } from "../../api/cost.ts";
import { GROUPINGS, type Grouping, nameRow } from "../../model/cost-view.ts";
import { formatUsd, saving, toUsd } from "../../model/money.ts";
import { formatCompact, formatShare } from "../../model/numbers.ts";
import { HostileText } from "../../ui/hostile-text.tsx";
import { Money } from "../../ui/money.tsx";
import type { Coloured } from "../../ui/series-color.ts";
import { SiliconSign } from "../../ui/silicon-sign.tsx";
import { Swatch } from "../../ui/time-chart.tsx";

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel(), sortFns });
const column = createColumnHelper<typeof features, CostRow>();

/** Dollars per million tokens, in and out together; null where the cost or the tokens are not known. */
const perMillion = (row: CostRow) => {
  const tokens = row.input_tokens + row.output_tokens;
  return row.cost_nanousd === null || tokens === 0 ? null : (toUsd(row.cost_nanousd) / tokens) * 1e6;
};

/** A tall screen's. The server draws no more of them: a hundred take it longer than Postgres needs for their sums. */
const FIRST_ROWS = 30;

export function CostTable({
  rows,
  grouping,
  looks,
  total,
}: {
  rows: readonly CostRow[];
  grouping: Grouping;
  looks: ReadonlyMap<string, Coloured | undefined>;
  /** Nano-USD of all calls, those of groups that are not shown too. */
  total: number;
}) {
  const data = useMemo(() => [...rows], [rows]);
  const columns = useMemo(
    () =>
      column.columns([
        column.accessor((row) => nameRow(row, grouping).label, {
          id: "name",
          header: GROUPINGS[grouping].label,
          sortFn: "text",
          sortDescFirst: false,
          cell: ({ row }) => <Name row={row.original} grouping={grouping} look={looks.get(nameRow(row.original, grouping).key)} />,
        }),
        column.accessor("calls", { header: "Calls", cell: ({ getValue }) => formatCompact(getValue()) }),
        column.accessor("input_tokens", { header: "Input", cell: ({ getValue }) => formatCompact(getValue()) }),
        column.accessor("cache_read_tokens", {
          header: "Cached",
          cell: ({ row }) =>
            row.original.input_tokens === 0 ? "–" : formatShare(row.original.cache_read_tokens / row.original.input_tokens),
        }),
        column.accessor("output_tokens", { header: "Output", cell: ({ getValue }) => formatCompact(getValue()) }),
        column.accessor((row) => row.cost_usd ?? -1, {
          id: "cost",
          header: "Cost",
          cell: ({ row }) => (
            <Money
              nanousd={row.original.cost_nanousd}
              unknownCalls={row.original.cost_nanousd === null ? 0 : row.original.unknown_cost_calls}
              className="font-medium"
            />
          ),
        }),
        column.accessor((row) => row.cost_usd ?? -1, {
          id: "share",
          header: "Share",
          cell: ({ row }) => <Share nanousd={row.original.cost_nanousd} total={total} />,
        }),
        column.accessor((row) => perMillion(row) ?? -1, {
          id: "rate",
          header: "per 1M tokens",
          cell: ({ row }) => <Rate row={row.original} />,
        }),
        column.accessor((row) => Number(row.comparable_baseline_nanousd) - Number(row.comparable_cost_nanousd), {
          id: "saved",
          header: "Saved",
          cell: ({ row }) => <Saved row={row.original} />,
        }),
      ]),
    [grouping, looks, total],
  );
  const table = useTable({ features, columns, data, initialState: { sorting: [{ id: "cost", desc: true }] } });
  const shown = useDeferredValue(rows.length, Math.min(rows.length, FIRST_ROWS));
  return (
    <section aria-label="table" tabIndex={0} className="scroll-x outline-offset-[-2px]">
      <table className="w-full border-separate border-spacing-0">
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map((header, index) => {
                const sorted = header.column.getIsSorted();
                return (
                  <th
                    key={header.id}
                    scope="col"
                    aria-sort={sorted === "asc" ? "ascending" : sorted === "desc" ? "descending" : "none"}
                    className={`border-line border-b px-3 pb-2 font-normal first:pl-4 last:pr-4 ${index === 0 ? "text-left" : "text-right"}`}
                  >
                    <button
                      type="button"
                      onClick={header.column.getToggleSortingHandler()}
                      className="label inline-flex items-center gap-1 hover:text-ink"
                    >
                      <table.FlexRender header={header} />
                      {sorted === "asc" && <ArrowUp size={11} aria-hidden />}
                      {sorted === "desc" && <ArrowDown size={11} aria-hidden />}
                    </button>
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {table
            .getRowModel()
            .rows.slice(0, shown)
            .map((row) => (
              <tr key={row.id} className="group hover:bg-hover" data-row={nameRow(row.original, grouping).key}>
                {row.getAllCells().map((cell, index) => (
                  <td
                    key={cell.id}
                    className={`h-10 whitespace-nowrap border-line border-b px-3 first:pl-4 last:pr-4 group-last:border-b-0 ${index === 0 ? "text-left" : "tabular text-right"}`}
                  >
                    <table.FlexRender cell={cell} />
                  </td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  );
}

function Name({ row, grouping, look }: { row: CostRow; grouping: Grouping; look: Coloured | undefined }) {
  const name = nameRow(row, grouping);
  return (
    <span className="flex items-center gap-2.5">
      <Swatch look={look ?? { color: "var(--line-strong)", pattern: "solid", dash: undefined }} />
      <span className="max-w-80 truncate font-medium" title={name.label}>
        <HostileText text={name.label} />
      </span>
      {name.detail && (
        <span className="max-w-48 truncate text-ink-2 xl:max-w-80" title={name.detail}>
          <HostileText text={name.detail} />
        </span>
      )}
      {name.silicon !== undefined && <SiliconSign silicon={name.silicon} />}
    </span>
  );
}

function Share({ nanousd, total }: { nanousd: string | null; total: number }) {
  if (nanousd === null || total === 0) return <span className="text-ink-3">–</span>;
  const share = Number(nanousd) / total;
  return (
    <span className="inline-flex items-center gap-2">
      {formatShare(share)}
      <span className="hidden h-1 w-14 overflow-hidden rounded-full bg-sunken sm:block" aria-hidden>
        <span className="block h-full rounded-full bg-ink-3" style={{ width: `${share * 100}%` }} />
      </span>
    </span>
  );
}

function Rate({ row }: { row: CostRow }) {
  const rate = perMillion(row);
  return rate === null ? <span className="text-ink-3">–</span> : formatUsd(rate);
}

function Saved({ row }: { row: CostRow }) {
  const saved = saving(row.comparable_baseline_nanousd, row.comparable_cost_nanousd);
  if (saved.fraction === null) return <span className="text-ink-3">–</span>;
  return (
    <span title={`${formatShare(saved.fraction)} of the baseline`}>
      <Money nanousd={String(saved.nanousd)} />
    </span>
  );
}
