import { ChevronRight } from "lucide-react";
import { Fragment } from "react";
import type { Pool } from "../../api/pool.ts";
import { formatCompact, formatShare } from "../../model/numbers.ts";
import { Badge } from "../../ui/badge.tsx";
import { classNames } from "../../ui/class-names.ts";
import { HostileText } from "../../ui/hostile-text.tsx";
import { Money } from "../../ui/money.tsx";
import { siliconLook } from "../../ui/silicon.ts";
import { SiliconSign } from "../../ui/silicon-sign.tsx";
import { PoolDetails } from "./pool-details.tsx";

const COLUMNS = ["Pool", "State", "Slots", "Queue", "Speed", "Utilisation", "Break-even", "SLA kept", "Calls", "Cost"] as const;
const NUMERIC = 4;

/** Every pool as one line; a line opens to its classes and to who held it. */
export function PoolTable({ pools, open, onOpen }: { pools: readonly Pool[]; open: string | null; onOpen: (pool: string | null) => void }) {
  return (
    <section aria-label="table" tabIndex={0} className="scroll-x @container outline-offset-[-2px]">
      <table className="w-full border-separate border-spacing-0" aria-label="pools">
        <thead>
          <tr>
            {COLUMNS.map((name, index) => (
              <th
                key={name}
                scope="col"
                className={classNames(
                  "label whitespace-nowrap border-line border-b px-3 py-2 text-left font-medium first:pl-4 last:pr-4",
                  index >= NUMERIC && "text-right",
                )}
              >
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {pools.map((pool) => (
            <Fragment key={pool.pool}>
              <Row pool={pool} isOpen={open === pool.pool} onToggle={() => onOpen(open === pool.pool ? null : pool.pool)} />
              {open === pool.pool && (
                <tr>
                  <td colSpan={COLUMNS.length} className="border-line border-b px-4 pt-1 pb-5 md:pl-11">
                    {/* as wide as what is in sight of the table, which a phone scrolls */}
                    <div className="sticky left-4 w-[calc(100cqi-3rem)] md:left-11 md:w-[calc(100cqi-3.75rem)]">
                      <PoolDetails pool={pool} />
                    </div>
                  </td>
                </tr>
              )}
            </Fragment>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const UNKNOWN = <span className="text-ink-3">–</span>;

function Row({ pool, isOpen, onToggle }: { pool: Pool; isOpen: boolean; onToggle: () => void }) {
  const { now } = pool;
  const cell = "tabular h-14 whitespace-nowrap border-line border-b px-3 last:pr-4";
  const met = pool.sla.reduce((sum, one) => sum + one.met, 0);
  const all = pool.sla.reduce((sum, one) => sum + one.met + one.missed, 0);
  return (
    <tr className="group hover:bg-hover" data-pool={pool.pool}>
      <td className={classNames(cell, "pl-4")}>
        <button type="button" aria-expanded={isOpen} onClick={onToggle} className="flex items-center gap-2 text-left">
          <ChevronRight size={13} className={classNames("shrink-0 text-ink-3 transition-transform", isOpen && "rotate-90")} aria-hidden />
          <SiliconSign silicon={pool.silicon} />
          <span>
            <span className="block max-w-48 xl:max-w-64 truncate font-medium">
              <HostileText text={pool.pool} />
            </span>
            <span className="block max-w-48 truncate text-ink-2 text-xs xl:max-w-64" title={pool.hardware ?? undefined}>
              <HostileText text={pool.hardware ?? siliconLook(pool.silicon).label} />
            </span>
          </span>
        </button>
      </td>
      <td className={cell}>
        {now ? (
          <Badge tone={now.state === "healthy" ? "good" : "bad"} {...(now.reason ? { title: now.reason } : {})}>
            {now.state}
          </Badge>
        ) : (
          <span className="text-ink-3">unknown</span>
        )}
      </td>
      <td className={cell}>{now?.slots ? <Slots active={now.active ?? 0} slots={now.slots} silicon={pool.silicon} /> : UNKNOWN}</td>
      <td className={classNames(cell, (now?.queued ?? 0) > 0 && "text-warn")}>
        {now?.queued == null ? UNKNOWN : now.queued === 0 ? "empty" : `${now.queued} waiting`}
      </td>
      <td className={classNames(cell, "text-right text-ink-2")}>
        {now?.decode_ms_per_token ? `${formatCompact(Math.round(1000 / now.decode_ms_per_token))} tok/s` : UNKNOWN}
      </td>
      <td className={classNames(cell, "text-right")}>{pool.utilisation === null ? UNKNOWN : formatShare(pool.utilisation)}</td>
      <td className={classNames(cell, "text-right")}>
        <BreakEven pool={pool} />
      </td>
      <td className={classNames(cell, "text-right")}>
        {all === 0 ? UNKNOWN : <span className={met / all < 0.9 ? "text-bad" : ""}>{formatShare(met / all)}</span>}
      </td>
      <td className={classNames(cell, "text-right")}>{formatCompact(pool.calls)}</td>
      <td className={classNames(cell, "text-right font-medium")}>
        {pool.calls === 0 ? (
          UNKNOWN
        ) : (
          <Money nanousd={pool.cost_nanousd} unknownCalls={pool.cost_nanousd === null ? 0 : pool.unknown_cost_calls} />
        )}
      </td>
    </tr>
  );
}

/** One mark a slot where they are few, else a bar; said in words too. */
function Slots({ active, slots, silicon }: { active: number; slots: number; silicon: string | null }) {
  const { color } = siliconLook(silicon);
  return (
    <span className="flex items-center gap-2">
      <span className="flex h-2.5 w-12 gap-px md:w-20 overflow-hidden rounded-[2px] bg-sunken" aria-hidden>
        {slots <= 16 ? (
          Array.from({ length: slots }, (_, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: slots have no names
            <span key={index} className="flex-1" style={{ background: index < active ? color : "var(--line)" }} />
          ))
        ) : (
          <span style={{ width: `${Math.min(1, active / slots) * 100}%`, background: color }} />
        )}
      </span>
      {active} of {slots}
    </span>
  );
}

function BreakEven({ pool: { break_even_utilisation: point, utilisation } }: { pool: Pool }) {
  if (point === null) return UNKNOWN;
  if (point > 1) return <span title="even when always busy, the baseline would charge less for these calls">never</span>;
  const isPaying = utilisation !== null && utilisation >= point;
  return (
    <span
      className={isPaying ? "text-good" : "text-warn"}
      title={isPaying ? "busier than that: it pays" : "not as busy as that: it does not pay yet"}
    >
      {formatShare(point)}
    </span>
  );
}
