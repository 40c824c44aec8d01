"use client";
import { useQuery } from "@tanstack/react-query";
import { Check, ChevronRight, Clock } from "lucide-react";
import { useState } from "react";
import { type Decision, sessionDecisionsQuery } from "../../api/decision.ts";
import { plural } from "../../model/numbers.ts";
import { epochMs } from "../../model/time.ts";
import { Badge } from "../../ui/badge.tsx";
import { classNames } from "../../ui/class-names.ts";
import { Money } from "../../ui/money.tsx";
import { EmptyState } from "../../ui/notice.tsx";
import { SiliconName } from "../../ui/silicon-sign.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { formatTime, useTimeZone } from "../../ui/time.tsx";
import { Resource } from "../resource.tsx";
import { Candidates } from "./candidates.tsx";

const STEP = 100;

/** Every routing decision of a session, newest first, each with the pools it looked at. */
export function Decisions({ id, onSelect }: { id: string; onSelect: (span: string) => void }) {
  const query = useQuery(sessionDecisionsQuery(id));
  const [shown, setShown] = useState(STEP);
  return (
    <Resource query={query} skeleton={<SkeletonRows rows={8} height={44} />}>
      {(page) =>
        page.data.length === 0 ? (
          <EmptyState title="No call of this session went through the scheduler">
            Its calls were seen by the agent's plugin only, so there was nothing to decide.
          </EmptyState>
        ) : (
          <div>
            <ul>
              {page.data.slice(0, shown).map((decision) => (
                <Row key={decision.span_id} decision={decision} onSelect={() => onSelect(decision.span_id)} />
              ))}
            </ul>
            {shown < page.data.length && (
              <button type="button" onClick={() => setShown(shown + STEP)} className="h-10 w-full text-ink-2 hover:bg-hover hover:text-ink">
                Show {plural(Math.min(STEP, page.data.length - shown), "more decision")}
              </button>
            )}
            {page.next && shown >= page.data.length && (
              <p className="px-4 py-3 text-ink-2 text-sm">Older decisions are in the API: this page shows the latest {page.data.length}.</p>
            )}
          </div>
        )
      }
    </Resource>
  );
}

function Row({ decision, onSelect }: { decision: Decision; onSelect: () => void }) {
  const [isOpen, setOpen] = useState(false);
  const timeZone = useTimeZone();
  const rejected = decision.candidates.filter((candidate) => candidate.rejected !== undefined).length;
  return (
    <li className="border-line border-b last:border-b-0">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="grid w-full grid-cols-[16px_minmax(0,1fr)_auto] items-center gap-x-3 px-4 py-2.5 text-left outline-offset-[-2px] hover:bg-hover lg:grid-cols-[16px_72px_minmax(120px,1fr)_minmax(0,1.6fr)_160px_84px]"
      >
        <ChevronRight size={13} className={classNames("text-ink-3 transition-transform", isOpen && "rotate-90")} aria-hidden />
        <time dateTime={decision.time} className="tabular hidden text-ink-2 text-sm lg:block">
          {formatTime(epochMs(decision.time), timeZone, "time")}
        </time>
        <span className="flex min-w-0 items-center gap-2">
          <SiliconName silicon={decision.silicon} name={decision.pool ?? "no pool"} />
          <span className="truncate text-ink-2 text-sm">{decision.model}</span>
        </span>
        <span
          className="col-start-2 row-start-2 min-w-0 truncate text-ink-2 text-sm lg:col-auto lg:row-auto"
          title={decision.reason ?? undefined}
        >
          {decision.reason ?? "no reason given"}
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
            {`: ${plural(decision.candidates.length, "candidate")}, ${rejected} rejected. `}
            <button type="button" onClick={onSelect} className="underline underline-offset-2 hover:text-ink">
              Show the span
            </button>
          </p>
          <Candidates candidates={decision.candidates} />
        </div>
      )}
    </li>
  );
}
