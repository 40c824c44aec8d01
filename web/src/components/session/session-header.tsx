"use client";
import { plainId } from "@signalbox/otel/conventions";
import { CircleAlert } from "lucide-react";
import type { ControlAction } from "../../api/control.ts";
import type { Session } from "../../api/session.ts";
import { saving, toUsd } from "../../model/money.ts";
import { formatCompact, formatShare, plural } from "../../model/numbers.ts";
import { epochMs, formatDuration } from "../../model/time.ts";
import { Badge } from "../../ui/badge.tsx";
import { CopyText } from "../../ui/copy-text.tsx";
import { HostileText } from "../../ui/hostile-text.tsx";
import { MixBar } from "../../ui/mix-bar.tsx";
import { Money } from "../../ui/money.tsx";
import { SiliconName } from "../../ui/silicon-sign.tsx";
import { Figure } from "../../ui/stat.tsx";
import { Ago } from "../../ui/time.tsx";
import { ControlBadge } from "../control-badge.tsx";
import { byPool } from "../session-mix.ts";
import { StateMark } from "../state-mark.tsx";
import { SessionControls } from "./session-controls.tsx";
import { SessionCrumbs } from "./session-crumbs.tsx";

export function SessionHeader({ session, onStop }: { session: Session; onStop: (action: ControlAction) => void }) {
  const saved = saving(session.comparable_baseline_nanousd, session.comparable_cost_nanousd);
  const pools = byPool(session.routes);
  return (
    <header className="flex min-w-0 flex-col gap-4">
      <SessionCrumbs name={session.agent_name ?? "unnamed"} />
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <h1 className="line-clamp-2 min-w-0 break-words font-semibold text-xl tracking-tight [overflow-wrap:anywhere]">
          <HostileText text={session.agent_name ?? "Unnamed agent"} />
        </h1>
        <span className="flex min-w-0 flex-wrap items-center gap-1.5">
          {session.agent_kind && <Badge>{session.agent_kind}</Badge>}
          {session.channel && <Badge>{session.channel}</Badge>}
          {session.user_id && <Badge>{session.user_id}</Badge>}
        </span>
        <span className="flex items-center gap-2 text-sm">
          <ControlBadge control={session.control} />
          {(session.control?.state ?? "running") === "running" && <StateMark session={session} />}
          <span className="text-ink-3">
            {"· last seen "}
            <Ago time={session.last_time} />
          </span>
        </span>
        <span className="flex max-w-full lg:ml-auto">
          <SessionControls state={session.control?.state} onChoose={onStop} />
        </span>
        <span className="flex w-full min-w-0">
          <CopyText text={plainId(session.session_id)} label="session id" />
        </span>
      </div>
      <div className="rounded-lg border border-line bg-surface px-4 py-3.5">
        <dl className="grid grid-cols-2 gap-x-6 gap-y-4 sm:grid-cols-3 lg:grid-cols-6">
          <Figure
            label="Cost"
            value={<Money nanousd={session.cost_nanousd} unknownCalls={session.cost_nanousd === null ? 0 : session.unknown_cost_calls} />}
            note={
              session.unknown_cost_calls > 0
                ? `cost of ${plural(session.unknown_cost_calls, "call")} unknown`
                : `${plural(session.calls, "model call")}`
            }
          />
          <Figure
            label="Saved against one vendor"
            value={saved.fraction === null ? <span className="font-normal text-ink-3">–</span> : <Money nanousd={String(saved.nanousd)} />}
            note={
              saved.fraction === null ? (
                "no routed calls"
              ) : (
                <>
                  {formatShare(saved.fraction)} of <Money nanousd={session.comparable_baseline_nanousd} />
                </>
              )
            }
          />
          <Figure
            label="Agents"
            value={formatCompact(session.sub_agents + 1)}
            note={session.sub_agents === 0 ? "no sub-agents" : plural(session.sub_agents, "sub-agent")}
          />
          <Figure label="Turns" value={formatCompact(session.turns)} note={`${plural(session.tool_calls, "tool call")}`} />
          <Figure
            label="Tokens"
            value={formatCompact(session.input_tokens + session.output_tokens)}
            note={`${formatCompact(session.input_tokens)} in, ${formatCompact(session.output_tokens)} out`}
          />
          <Figure
            label="Span of time"
            value={formatDuration(epochMs(session.last_time) - epochMs(session.first_time))}
            note={session.errors > 0 ? <span className="text-bad">{plural(session.errors, "error")}</span> : "no errors"}
          />
        </dl>
        {session.routes.length > 0 && (
          <div className="mt-4 border-line border-t pt-3.5">
            <MixBar
              parts={pools.map(({ pool, silicon, nanousd }) => ({
                key: pool,
                silicon,
                value: toUsd(nanousd),
                label: pool || "not routed",
              }))}
              height={8}
            />
            <ul className="mt-2.5 flex flex-wrap gap-x-5 gap-y-1 text-ink-2 text-sm" aria-label="pools that served it">
              {pools.map(({ pool, silicon, calls, nanousd, unknown }) => (
                <li key={pool} className="flex min-w-0 max-w-full items-center gap-1.5">
                  <SiliconName silicon={silicon} name={pool || "not routed"} />
                  <Money
                    nanousd={unknown === calls ? null : String(nanousd)}
                    unknownCalls={unknown === calls ? 0 : unknown}
                    className="text-ink"
                  />
                  <span className="tabular whitespace-nowrap text-ink-3">{plural(calls, "call")}</span>
                </li>
              ))}
            </ul>
          </div>
        )}
      </div>
      {session.last_error && (
        <p className="flex items-start gap-2 text-sm">
          <CircleAlert size={14} className="mt-0.5 shrink-0 text-bad" aria-hidden />
          <span className="line-clamp-4 min-w-0 break-words text-ink-2">
            Last error:{" "}
            <span className="text-ink">
              <HostileText text={session.last_error} />
            </span>
          </span>
        </p>
      )}
    </header>
  );
}
