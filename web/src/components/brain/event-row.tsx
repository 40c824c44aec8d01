import { plainId } from "@signalbox/otel/conventions";
import { Bot, CircleAlert, MessageSquare, Split, Wrench } from "lucide-react";
import Link from "next/link";
import { memo } from "react";
import type { EventKind, FleetEvent } from "../../api/event.ts";
import { describeEvent } from "../../model/events.ts";
import { formatCompact } from "../../model/numbers.ts";
import { formatDuration } from "../../model/time.ts";
import { paths } from "../../paths.ts";
import { classNames } from "../../ui/class-names.ts";
import { HostileText } from "../../ui/hostile-text.tsx";
import { Money } from "../../ui/money.tsx";
import { siliconLook } from "../../ui/silicon.ts";
import { SiliconSign } from "../../ui/silicon-sign.tsx";
import { ClockTime } from "../../ui/time.tsx";

export const EVENT_COLUMNS =
  "md:grid md:grid-cols-[84px_16px_minmax(90px,150px)_minmax(0,1fr)_minmax(0,244px)_100px_64px_84px] md:items-center md:gap-x-4";
const KINDS: Record<EventKind, { icon: typeof Bot; label: string }> = {
  turn: { icon: Bot, label: "turn" },
  call: { icon: MessageSquare, label: "model call" },
  tool: { icon: Wrench, label: "tool call" },
  decision: { icon: Split, label: "decision" },
};

/** One event as one line (two on a phone), which leads to its span. */
export const EventRow = memo(function EventRow({
  event,
  top,
  height,
  index,
}: {
  event: FleetEvent;
  top: number;
  height: number;
  index: number;
}) {
  const { icon: Icon, label } = KINDS[event.kind];
  const isError = event.status === "error";
  const what = describeEvent(event);
  const bill = event.kind === "call" && <Money nanousd={event.cost_nanousd} className={event.cost_nanousd === null ? "" : "font-medium"} />;
  return (
    <li
      data-row
      aria-posinset={index + 1}
      aria-setsize={-1}
      data-kind={event.kind}
      data-span={event.span_id}
      className="absolute inset-x-0 border-line border-b"
      style={{ height, transform: `translateY(${top}px)` }}
    >
      <Link
        href={paths.session(event.session_id, { span: event.span_id })}
        prefetch={false}
        className={classNames(
          EVENT_COLUMNS,
          "grid h-full grid-cols-[16px_minmax(0,1fr)_auto] content-center gap-x-2.5 gap-y-0.5 px-4 outline-offset-[-2px] hover:bg-hover",
          event.kind === "decision" && "text-ink-2",
        )}
      >
        <ClockTime time={event.time} className="hidden text-ink-3 text-sm md:block" />
        <span role="img" aria-label={isError ? `${label}, failed` : label} title={label} className={isError ? "text-bad" : "text-ink-3"}>
          {isError ? <CircleAlert size={14} aria-hidden /> : <Icon size={14} strokeWidth={1.75} aria-hidden />}
        </span>
        <span className="truncate">
          <span className={event.kind === "turn" ? "font-medium" : ""} title={plainId(event.session_id)}>
            <HostileText text={event.agent_name ?? "unnamed"} />
          </span>
          <span className="text-ink-2 md:hidden">
            {" · "}
            <HostileText text={what} />
          </span>
        </span>
        <span className="tabular text-right md:hidden">{bill}</span>
        <span className="hidden min-w-0 truncate text-ink-2 md:block" title={isError ? (event.status_message ?? what) : what}>
          <HostileText text={what} />
          {isError && event.status_message && (
            <span className="text-bad">
              {" · "}
              <HostileText text={event.status_message} />
            </span>
          )}
        </span>
        <span className="col-start-2 row-start-2 flex min-w-0 items-center gap-1.5 text-ink-2 text-sm md:col-auto md:row-auto">
          {event.pool && event.kind !== "turn" && (
            <>
              <SiliconSign silicon={event.silicon} size={9} />
              <span className="min-w-0 truncate" title={event.pool}>
                <HostileText text={event.kind === "call" ? (event.hardware ?? siliconLook(event.silicon).label) : event.pool} />
              </span>
            </>
          )}
          {!event.pool && !isError && <span className="truncate text-ink-3 md:hidden">{event.channel}</span>}
          {isError && (
            <span className="min-w-0 truncate text-bad md:hidden">
              <HostileText text={event.status_message ?? "failed"} />
            </span>
          )}
          <span className="tabular ml-auto hidden shrink-0 whitespace-nowrap pl-2 text-ink-3 text-xs md:block">
            {event.input_tokens !== null && event.output_tokens !== null && event.input_tokens + event.output_tokens > 0
              ? `${formatCompact(event.input_tokens)} → ${formatCompact(event.output_tokens)} tok`
              : ""}
          </span>
        </span>
        <span className="hidden truncate text-ink-3 text-sm md:block">{event.channel && <HostileText text={event.channel} />}</span>
        <span className="tabular col-start-3 row-start-2 text-right text-ink-2 text-sm md:col-auto md:row-auto">
          {/* a decision's time is that of the call below it */}
          {event.kind !== "decision" && formatDuration(Number(event.duration_ns) / 1e6)}
        </span>
        <span className="tabular hidden text-right md:block">{bill}</span>
      </Link>
    </li>
  );
});
