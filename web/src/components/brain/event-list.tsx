"use client";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { FleetEvent } from "../../api/event.ts";
import { useNarrow } from "../../ui/use-narrow.ts";
import { EventRow } from "./event-row.tsx";

const HEIGHT = 34;
const NARROW_HEIGHT = 54;

/** Events newest first, of which only those in sight are in the document. */
export function EventList({ events, hasMore, loadMore }: { events: readonly FleetEvent[]; hasMore: boolean; loadMore: () => void }) {
  const list = useRef<HTMLOListElement>(null);
  const [offset, setOffset] = useState(0);
  const height = useNarrow() ? NARROW_HEIGHT : HEIGHT;
  useLayoutEffect(() => setOffset((list.current?.getBoundingClientRect().top ?? 0) + window.scrollY), []);
  const virtual = useWindowVirtualizer({
    count: events.length,
    estimateSize: () => height,
    overscan: 15,
    scrollMargin: offset,
    getItemKey: (index) => events[index]?.span_id ?? index,
    initialRect: { width: 1280, height: 1000 },
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows of another height must all be measured again
  useEffect(() => virtual.measure(), [height]);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && last >= events.length - 40) loadMore();
  }, [hasMore, last, events.length, loadMore]);
  return (
    <ol ref={list} aria-label="events" className="relative" style={{ height: virtual.getTotalSize() }}>
      {items.map((item) => {
        const event = events[item.index];
        return event && <EventRow key={event.span_id} event={event} index={item.index} top={item.start - offset} height={height} />;
      })}
    </ol>
  );
}
