"use client";
import type { UseQueryResult } from "@tanstack/react-query";
import Link from "next/link";
import type { CostPage } from "../../api/cost.ts";
import type { SessionPage } from "../../api/session.ts";
import { saving, sumMoney, toUsd } from "../../model/money.ts";
import { formatCount, formatShare, plural } from "../../model/numbers.ts";
import { sessionState } from "../../model/time.ts";
import { paths } from "../../paths.ts";
import { HostileText } from "../../ui/hostile-text.tsx";
import { MixBar } from "../../ui/mix-bar.tsx";
import { Money } from "../../ui/money.tsx";
import { SiliconSign } from "../../ui/silicon-sign.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Stat } from "../../ui/stat.tsx";
import { useNow } from "../../ui/time.tsx";
import { callsBySilicon } from "../session-mix.ts";

/** Four numbers: spent, saved, running, calls. A number that cannot be read is a dash, with the reason above the page. */
export function TodayStats({ cost, running }: { cost: UseQueryResult<CostPage>; running: UseQueryResult<SessionPage> }) {
  const now = useNow();
  const rows = cost.data?.data;
  const pending = cost.error ? "–" : <Skeleton className="my-1 h-6 w-28" />;
  const active = running.data?.data.filter((session) => sessionState(session.last_time, now) === "active");
  const agents = active?.reduce((sum, session) => sum + 1 + session.sub_agents, 0) ?? 0;
  const isMore = running.data?.next != null;
  return (
    <div className="grid grid-cols-2 gap-3 xl:grid-cols-4">
      {rows ? <SpentToday rows={rows} /> : <Stat label="Cost today" value={pending} />}
      {rows ? <SavedToday rows={rows} /> : <Stat label="Saved against one vendor" value={pending} />}
      <Stat
        label="Running now"
        value={active ? `${formatCount(active.length)}${isMore ? "+" : ""}` : running.error ? "–" : <Skeleton className="my-1 h-6 w-12" />}
        note={
          active &&
          (active.length === 0 ? (
            "no session is active"
          ) : (
            <Link prefetch={false} href={paths.sessions({ show: "active" })} className="hover:underline">
              {plural(active.length, "session")}, {plural(agents, "agent")}
            </Link>
          ))
        }
      />
      {rows ? <CallsToday rows={rows} /> : <Stat label="Model calls today" value={pending} />}
    </div>
  );
}

type Rows = CostPage["data"];
const count = (rows: Rows, pick: (row: Rows[number]) => number) => rows.reduce((sum, row) => sum + pick(row), 0);
const sum = (rows: Rows, pick: (row: Rows[number]) => string | null) => sumMoney(rows.map((row) => pick(row) ?? "0")).nanousd;

function SpentToday({ rows }: { rows: Rows }) {
  const unknown = count(rows, (row) => row.unknown_cost_calls);
  const calls = count(rows, (row) => row.calls);
  const cost = calls > 0 && unknown === calls ? null : String(sum(rows, (row) => row.cost_nanousd));
  const top = [...rows].sort((left, right) => (right.cost_usd ?? 0) - (left.cost_usd ?? 0))[0];
  const share = top?.cost_nanousd && cost && cost !== "0" ? toUsd(top.cost_nanousd) / toUsd(cost) : undefined;
  return (
    <Stat
      label="Cost today"
      value={<Money nanousd={cost} unknownCalls={unknown} />}
      note={
        unknown > 0 ? (
          `the cost of ${plural(unknown, "call")} is unknown`
        ) : share !== undefined && top ? (
          <HostileText text={`${formatShare(share)} of it on ${top.pool || "no pool"}`} />
        ) : (
          "nothing spent yet"
        )
      }
    />
  );
}

function SavedToday({ rows }: { rows: Rows }) {
  const baseline = sum(rows, (row) => row.comparable_baseline_nanousd);
  const saved = saving(String(baseline), String(sum(rows, (row) => row.comparable_cost_nanousd)));
  return (
    <Stat
      label="Saved against one vendor"
      value={saved.fraction === null ? <span className="text-ink-3">–</span> : <Money nanousd={String(saved.nanousd)} />}
      note={
        saved.fraction === null ? (
          "no routed calls to compare yet"
        ) : (
          <>
            {formatShare(saved.fraction)} below its <Money nanousd={String(baseline)} />
          </>
        )
      }
    />
  );
}

function CallsToday({ rows }: { rows: Rows }) {
  const mix = callsBySilicon(rows.map((row) => ({ silicon: row.silicon || null, calls: row.calls })));
  return (
    <Stat
      label="Model calls today"
      value={formatCount(count(rows, (row) => row.calls))}
      note={
        <span className="flex flex-wrap items-center gap-x-2.5">
          <MixBar parts={mix} width={40} />
          {mix.map((part) => (
            <span key={part.key} className="tabular flex items-center gap-1">
              <SiliconSign silicon={part.silicon} />
              {formatCount(part.value)}
            </span>
          ))}
        </span>
      }
    />
  );
}
