"use client";
import { Check, ChevronRight, Clock } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { Decision } from "../api/decision.ts";
import { plural } from "../model/numbers.ts";
import { Badge } from "../ui/badge.tsx";
import { classNames } from "../ui/class-names.ts";
import { HostileText } from "../ui/hostile-text.tsx";
import { Money } from "../ui/money.tsx";
import { SiliconName } from "../ui/silicon-sign.tsx";
import { ClockTime } from "../ui/time.tsx";
import { Candidates } from "./session/candidates.tsx";

/** One decision: which pool, why, what it cost; opened, every pool it looked at. `more` stands beside the candidates. */
export function DecisionRow({ decision, more }: { decision: Decision; more: ReactNode }) {
  const [isOpen, setOpen] = useState(false);
  const rejected = decision.candidates.filter((candidate) => candidate.rejected !== undefined).length;
  return (
    <li data-row className="border-line border-b last:border-b-0">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="grid w-full grid-cols-[16px_minmax(0,1fr)_auto] items-center gap-x-3 px-4 py-2.5 text-left outline-offset-[-2px] hover:bg-hover lg:grid-cols-[16px_88px_minmax(120px,1fr)_minmax(0,1.6fr)_160px_84px]"
      >
        <ChevronRight size={13} className={classNames("text-ink-3 transition-transform", isOpen && "rotate-90")} aria-hidden />
        <ClockTime time={decision.time} className="hidden text-ink-2 text-sm lg:block" />
        <span className="flex min-w-0 items-center gap-2">
          <SiliconName silicon={decision.silicon} name={decision.pool ?? "no pool"} />
          <span className="truncate text-ink-2 text-sm">{decision.model && <HostileText text={decision.model} />}</span>
        </span>
        <span
          className="col-start-2 row-start-2 min-w-0 truncate text-ink-2 text-sm lg:col-auto lg:row-auto"
          title={decision.reason ?? undefined}
        >
          <HostileText text={decision.reason ?? "no reason given"} />
        </span>
        <span className="hidden items-center justify-end gap-1.5 lg:flex">
          {decision.attempts > 1 && <Badge tone="warn">{plural(decision.attempts, "attempt")}</Badge>}
          {decision.sla_class && (
            <Badge
              tone={decision.sla_met === false ? "bad" : "plain"}
              title={decision.sla_met === null ? "not measured" : decision.sla_met ? "within its class" : "missed its class"}
            >
              {decision.sla_met === false ? (
                <Clock size={11} aria-label="missed" />
              ) : decision.sla_met ? (
                <Check size={11} aria-label="met" />
              ) : null}
              {decision.sla_class}
            </Badge>
          )}
        </span>
        <span className="col-start-3 row-start-1 text-right lg:col-auto lg:row-auto">
          {decision.status === "error" && decision.cost_nanousd === null ? (
            <Badge tone="bad">failed</Badge>
          ) : (
            <Money nanousd={decision.cost_nanousd} />
          )}
        </span>
      </button>
      {isOpen && (
        <div className="px-4 pb-4 lg:pl-11">
          <p className="mb-2 text-ink-2 text-sm">
            Route <span className="text-ink">{decision.route ?? "none"}</span>
            {decision.task && (
              <>
                , task <span className="text-ink">{decision.task}</span>
              </>
            )}
            {decision.key && (
              <>
                , key <span className="text-ink">{decision.key}</span>
              </>
            )}
            {`: ${plural(decision.candidates.length, "candidate")}, ${rejected} rejected. `}
            {more}
          </p>
          <Candidates candidates={decision.candidates} />
        </div>
      )}
    </li>
  );
}
