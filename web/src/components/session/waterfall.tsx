"use client";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useCallback, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { TimelineSpan } from "../../api/timeline.ts";
import { formatCount } from "../../model/numbers.ts";
import { type SpanNode, shownSpan, startsFolded, toForest } from "../../model/span-forest.ts";
import { toTimeAxis } from "../../model/time-axis.ts";
import { visibleRows } from "../../model/tree.ts";
import { EmptyState } from "../../ui/notice.tsx";
import { WaterfallAxis } from "./waterfall-axis.tsx";
import { ROW_HEIGHT, WATERFALL_COLUMNS } from "./waterfall-look.ts";
import { WaterfallRow } from "./waterfall-row.tsx";

/**
 * Every span of a session as a tree over time. Only the rows in sight are drawn. Keys: up and down move, right and left open
 * and fold, Enter shows the span.
 */
export function Waterfall({
  spans,
  isCut,
  selected,
  onSelect,
}: {
  spans: readonly TimelineSpan[];
  /** There are more, which are not shown. */
  isCut: boolean;
  selected: string | null;
  onSelect: (span: string | null) => void;
}) {
  const forest = useMemo(() => toForest(spans), [spans]);
  const axis = useMemo(() => toTimeAxis(forest.nodes.values()), [forest]);
  // only what differs from how rows begin is kept, so that rows which arrive later begin as they should
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(
    () =>
      visibleRows(forest.nodes, forest.children, (id) => {
        const node = forest.nodes.get(id);
        return node !== undefined && startsFolded(node) === toggled.has(id);
      }),
    [forest, toggled],
  );
  const [cursor, setCursor] = useState(0);
  const body = useRef<HTMLDivElement>(null);
  const [offset, setOffset] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the header above may grow with the data
  useLayoutEffect(() => setOffset((body.current?.getBoundingClientRect().top ?? 0) + window.scrollY), [spans]);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => ROW_HEIGHT,
    overscan: 6,
    scrollMargin: offset,
    scrollPaddingStart: 80,
    scrollPaddingEnd: 80,
  });

  const toggle = useCallback(
    (id: string) => setToggled((now) => (now.has(id) ? new Set([...now].filter((one) => one !== id)) : new Set([...now, id]))),
    [],
  );
  const show = useCallback(
    (index: number, shown: string, isSelected: boolean) => {
      setCursor(index);
      onSelect(isSelected ? null : shown);
    },
    [onSelect],
  );

  if (spans.length === 0) return <EmptyState title="No spans yet">They appear here by themselves.</EmptyState>;

  const isExpanded = (node: SpanNode) => startsFolded(node) === toggled.has(node.span.span_id);
  const move = (to: number) => {
    const index = Math.min(rows.length - 1, Math.max(0, to));
    setCursor(index);
    virtual.scrollToIndex(index);
  };
  const press = (event: KeyboardEvent) => {
    const row = rows[cursor];
    if (!row) return;
    const { span_id: id } = row.node.span;
    const open = isExpanded(row.node);
    const actions: Record<string, () => void> = {
      ArrowDown: () => move(cursor + 1),
      ArrowUp: () => move(cursor - 1),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      PageDown: () => move(cursor + 15),
      PageUp: () => move(cursor - 15),
      ArrowRight: () => (row.hasChildren && !open ? toggle(id) : move(cursor + 1)),
      ArrowLeft: () => (row.hasChildren && open ? toggle(id) : move(parentIndex(rows, cursor))),
      Enter: () => onSelect(shownSpan(row.node, open)),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  };

  return (
    <div>
      {isCut && (
        <p className="border-line border-b px-4 py-2 text-sm text-warn">
          Only the first {formatCount(spans.length)} spans are shown; the API has all of them.
        </p>
      )}
      <WaterfallAxis axis={axis} />
      <div
        ref={body}
        role="treegrid"
        aria-label="spans over time"
        aria-rowcount={rows.length}
        tabIndex={0}
        aria-activedescendant={rows[cursor] ? `span-${rows[cursor].node.span.span_id}` : undefined}
        onKeyDown={press}
        className="group relative outline-offset-[-2px]"
        style={{ height: virtual.getTotalSize() }}
      >
        {axis.breaks.length > 0 && (
          <div aria-hidden className={`${WATERFALL_COLUMNS} pointer-events-none absolute inset-0`}>
            <span />
            <span className="relative">
              {axis.breaks.map((gap) => (
                <span
                  key={gap.from}
                  className="absolute inset-y-0 bg-sunken"
                  style={{ left: `${gap.from * 100}%`, width: `${(gap.to - gap.from) * 100}%` }}
                />
              ))}
            </span>
          </div>
        )}
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          const { span_id: id } = row.node.span;
          return (
            <WaterfallRow
              key={id}
              row={row}
              index={item.index}
              top={item.start - offset}
              axis={axis}
              isExpanded={isExpanded(row.node)}
              isSelected={selected !== null && selected === shownSpan(row.node, isExpanded(row.node))}
              isCursor={item.index === cursor}
              onToggle={toggle}
              onSelect={show}
            />
          );
        })}
      </div>
    </div>
  );
}

function parentIndex(rows: readonly { level: number }[], index: number): number {
  const level = rows[index]?.level ?? 0;
  for (let at = index - 1; at >= 0; at--) if ((rows[at]?.level ?? 0) < level) return at;
  return index;
}
