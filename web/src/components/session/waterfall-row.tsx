import { Operation } from "@signalbox/otel/conventions";
import { ChevronRight, CircleAlert } from "lucide-react";
import { memo } from "react";
import { callSegments, type SpanNode, shortName, shownSpan } from "../../model/span-forest.ts";
import { formatDuration } from "../../model/time.ts";
import type { TimeAxis } from "../../model/time-axis.ts";
import type { TreeRow } from "../../model/tree.ts";
import { classNames } from "../../ui/class-names.ts";
import { HostileText } from "../../ui/hostile-text.tsx";
import { Money } from "../../ui/money.tsx";
import { siliconLook } from "../../ui/silicon.ts";
import { SiliconSign } from "../../ui/silicon-sign.tsx";
import { OperationIcon } from "./operation-icon.tsx";
import { ROW_HEIGHT, SEGMENT_OPACITY, WATERFALL_COLUMNS } from "./waterfall-look.ts";

const INDENT = 14;
/** What the button that opens a row takes, and the gap after it. */
const CHEVRON = "1.375rem";

interface Props {
  row: TreeRow<SpanNode>;
  index: number;
  top: number;
  axis: TimeAxis;
  isExpanded: boolean;
  isSelected: boolean;
  isCursor: boolean;
  // the same for every row: what scrolls is then drawn once
  onToggle: (id: string) => void;
  onSelect: (index: number, shown: string, isSelected: boolean) => void;
}

export const WaterfallRow = memo(function WaterfallRow({
  row,
  index,
  top,
  axis,
  isExpanded,
  isSelected,
  isCursor,
  onToggle,
  onSelect,
}: Props) {
  const { node, level, hasChildren } = row;
  const { span, call } = node;
  const served = call ?? span;
  const indent = Math.min(level, 12) * INDENT;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid handles the keys
    <div
      role="row"
      id={`span-${span.span_id}`}
      aria-rowindex={index + 1}
      aria-level={level + 1}
      aria-expanded={hasChildren ? isExpanded : undefined}
      aria-selected={isSelected}
      data-operation={span.operation}
      onClick={() => onSelect(index, shownSpan(node, isExpanded), isSelected)}
      className={classNames(
        WATERFALL_COLUMNS,
        "absolute inset-x-0 cursor-pointer items-center hover:bg-hover",
        isSelected && "bg-selected hover:bg-selected",
        isCursor && "group-focus-visible:shadow-[inset_2px_0_0_var(--focus)]",
      )}
      style={{ height: ROW_HEIGHT, transform: `translateY(${top}px)` }}
    >
      <span
        role="gridcell"
        className="flex min-w-0 items-center gap-1.5"
        style={{ paddingLeft: hasChildren ? indent : `calc(${indent}px + ${CHEVRON})` }}
      >
        {hasChildren && (
          <button
            type="button"
            tabIndex={-1}
            aria-label={isExpanded ? "fold" : "open"}
            onClick={(event) => {
              event.stopPropagation();
              onToggle(span.span_id);
            }}
            className="-m-1 grid size-6 shrink-0 place-items-center text-ink-3 hover:text-ink"
          >
            <ChevronRight size={13} className={isExpanded ? "rotate-90" : undefined} aria-hidden />
          </button>
        )}
        <OperationIcon operation={span.operation} />
        <span className={classNames("truncate", span.operation === "invoke_agent" && "font-medium")} title={span.name}>
          <HostileText text={call && call !== span ? (call.model ?? shortName(span)) : shortName(span)} />
        </span>
        {served.pool && span.operation !== Operation.migrate && (
          <span className="hidden min-w-0 items-center gap-1 text-ink-2 text-xs sm:flex">
            <SiliconSign silicon={served.silicon} size={9} />
            <span className="truncate">
              <HostileText text={served.pool} />
            </span>
          </span>
        )}
        {span.attempt !== null && span.attempt > 1 && <span className="shrink-0 text-warn text-xs">attempt {span.attempt}</span>}
        {(span.status === "error" || (!isExpanded && node.errors > 0)) && (
          <CircleAlert size={12} className="shrink-0 text-bad" aria-label="error" />
        )}
      </span>
      {/* a grid of one place that bar and duration share: positioned, each would be a layer of its own */}
      <span role="gridcell" className="grid h-full grid-cols-[minmax(0,1fr)] items-center *:col-start-1 *:row-start-1">
        <Bar node={node} axis={axis} />
      </span>
      <span role="gridcell" className="truncate text-right text-sm">
        {node.calls > 0 && (
          <Money
            nanousd={node.unknownCalls === node.calls ? null : String(node.nanousd)}
            unknownCalls={node.unknownCalls === node.calls ? 0 : node.unknownCalls}
          />
        )}
      </span>
    </div>
  );
});

/** As `opacity` would draw it, without a layer to blend for each bar. */
const faint = (color: string, opacity: number) => (opacity === 1 ? color : `color-mix(in srgb, ${color} ${opacity * 100}%, transparent)`);

/** The share of the axis that a duration takes beside its bar. */
const ROOM = 0.14;

function Bar({ node, axis }: { node: SpanNode; axis: TimeAxis }) {
  const { span, call, startMs, durationMs } = node;
  const from = axis.toFraction(startMs);
  const to = axis.toFraction(startMs + durationMs);
  const segments = call ? callSegments(call, durationMs) : [];
  const color = call ? siliconLook(call.silicon).color : span.status === "error" ? "var(--bad)" : "var(--ink)";
  const words = `${formatDuration(durationMs)}${segments.length > 0 ? ` (${segments.map((segment) => `${segment.kind === "rest" ? "other" : segment.kind} ${formatDuration(segment.ms)}`).join(", ")})` : ""}`;
  const isThin = span.operation === "invoke_agent";
  // room for its duration neither after nor before it: said on the bar
  const isFull = to > 1 - ROOM && from < ROOM;
  return (
    <>
      <span
        title={words}
        className={classNames("rounded-[3px]", isThin ? "h-1" : "h-3")}
        style={{
          marginLeft: `${from * 100}%`,
          width: `max(2px, ${(to - from) * 100}%)`,
          background:
            segments.length === 0
              ? faint(color, call ? 1 : isThin ? 0.35 : span.status === "error" ? 0.8 : 0.28)
              : `linear-gradient(to right, ${segments.map(({ kind, from, to }) => `${faint(color, SEGMENT_OPACITY[kind] ?? 1)} ${from * 100}% ${to * 100}%`).join(", ")})`,
        }}
      />
      <span
        className={classNames(
          "tabular pointer-events-none hidden whitespace-nowrap px-1.5 text-ink-3 text-xs md:block",
          isFull && "rounded-sm bg-surface pr-0 text-ink-2",
          to > 1 - ROOM ? "justify-self-end" : "justify-self-start",
        )}
        style={to > 1 - ROOM ? { marginRight: `${(1 - (isFull ? to : from)) * 100}%` } : { marginLeft: `${to * 100}%` }}
      >
        {formatDuration(durationMs)}
      </span>
    </>
  );
}
