import { SILICONS } from "@signalbox/otel/conventions";
import Link from "next/link";
import type { CostRow } from "../../api/cost.ts";
import { sumMoney, toUsd } from "../../model/money.ts";
import { plural } from "../../model/numbers.ts";
import { paths } from "../../paths.ts";
import { HostileText } from "../../ui/hostile-text.tsx";
import { Money } from "../../ui/money.tsx";
import { siliconLook } from "../../ui/silicon.ts";
import { SiliconName } from "../../ui/silicon-sign.tsx";

/** Each route as a bar of what its pools cost, coloured by silicon. Rows are grouped by route, pool and silicon. */
export function RouteBars({ rows }: { rows: readonly CostRow[] }) {
  const routes = Map.groupBy(rows, (row) => row.route ?? "");
  const bars = [...routes].map(([route, parts]) => {
    const { nanousd } = sumMoney(parts.map((part) => part.cost_nanousd));
    const calls = parts.reduce((sum, part) => sum + part.calls, 0);
    const unknown = parts.reduce((sum, part) => sum + part.unknown_cost_calls, 0);
    return { route, parts, calls, unknown, nanousd: unknown === calls ? null : String(nanousd), usd: toUsd(nanousd) };
  });
  bars.sort((left, right) => right.usd - left.usd || right.calls - left.calls);
  const most = Math.max(...bars.map((bar) => bar.usd), 1e-12);
  const silicons = [...new Set(rows.map((row) => row.silicon || null))].sort((left, right) => order(left) - order(right));
  if (bars.length === 0) return <p className="py-6 text-center text-ink-2">No model calls yet today.</p>;
  return (
    <div>
      <ul className="flex flex-col">
        {bars.map((bar) => (
          <li key={bar.route} className="border-line border-b py-2.5 last:border-b-0">
            <div className="flex items-baseline justify-between gap-4">
              <Link prefetch={false} href={paths.tokens({ group: "route" })} className="truncate hover:underline">
                {bar.route ? <HostileText text={bar.route} /> : <span className="text-ink-2">not routed</span>}
              </Link>
              <span className="tabular flex shrink-0 items-baseline gap-3">
                <span className="text-ink-2 text-sm">{plural(bar.calls, "call")}</span>
                <Money
                  nanousd={bar.nanousd}
                  unknownCalls={bar.nanousd === null ? 0 : bar.unknown}
                  className="min-w-20 text-right font-medium"
                />
              </span>
            </div>
            <div className="mt-1.5 flex h-2 gap-px overflow-hidden rounded-full bg-sunken" aria-hidden>
              {bar.parts.map((part) => {
                const share = (part.cost_usd ?? 0) / most;
                return (
                  share > 0 && (
                    <span
                      key={part.pool}
                      title={part.pool}
                      style={{ width: `max(2px, ${share * 100}%)`, background: siliconLook(part.silicon).color }}
                    />
                  )
                );
              })}
            </div>
          </li>
        ))}
      </ul>
      <ul className="mt-3 flex flex-wrap gap-x-4 gap-y-1 text-ink-2 text-sm" aria-label="silicon">
        {silicons.map((silicon) => (
          <li key={silicon}>
            <SiliconName silicon={silicon} />
          </li>
        ))}
      </ul>
    </div>
  );
}

/** What is one's own first, then the cloud, then what was not routed. */
const order = (silicon: string | null) => {
  const index = (SILICONS as readonly (string | null)[]).indexOf(silicon);
  return index < 0 ? SILICONS.length : index;
};
