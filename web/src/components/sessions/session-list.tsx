"use client";
import { plainId } from "@signalbox/otel/conventions";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { CircleAlert, GitFork, OctagonX, Pause } from "lucide-react";
import Link from "next/link";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Session } from "../../api/session.ts";
import { formatCompact } from "../../model/numbers.ts";
import { paths } from "../../paths.ts";
import { HostileText } from "../../ui/hostile-text.tsx";
import { MixBar } from "../../ui/mix-bar.tsx";
import { Money } from "../../ui/money.tsx";
import { Ago } from "../../ui/time.tsx";
import { ControlBadge } from "../control-badge.tsx";
import { callsBySilicon } from "../session-mix.ts";
import { StateMark } from "../state-mark.tsx";

const ROW_HEIGHT = 56;
const COLUMNS =
  "grid grid-cols-[minmax(0,1fr)_auto] gap-x-4 px-4 lg:grid-cols-[minmax(180px,1.2fr)_80px_56px_52px_52px_52px_90px_minmax(110px,1fr)_88px_72px]";

/** A line a session, of which only those in sight are in the document. The window scrolls, so that the browser's own search and keys work. */
export function SessionList({ sessions, hasMore, loadMore }: { sessions: readonly Session[]; hasMore: boolean; loadMore: () => void }) {
  const list = useRef<HTMLDivElement>(null);
  const [offset, setOffset] = useState(0);
  useLayoutEffect(() => setOffset((list.current?.getBoundingClientRect().top ?? 0) + window.scrollY), []);
  const virtual = useWindowVirtualizer({
    count: sessions.length,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    scrollMargin: offset,
    initialRect: { width: 1280, height: 1000 },
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && last >= sessions.length - 20) loadMore();
  }, [hasMore, last, sessions.length, loadMore]);
  return (
    <div role="table" aria-label="sessions" aria-rowcount={hasMore ? -1 : sessions.length + 1}>
      <div role="rowgroup">
        <div role="row" aria-rowindex={1} className={`${COLUMNS} label hidden border-line border-b py-2 lg:grid`}>
          {["Session", "Channel", "State", "Turns", "Agents", "Calls", "Served by", "Last error", "Cost", "Last seen"].map(
            (name, index) => (
              <span key={name} role="columnheader" className={[3, 4, 5, 8, 9].includes(index) ? "text-right" : ""}>
                {name}
              </span>
            ),
          )}
        </div>
      </div>
      <div role="rowgroup" ref={list} className="relative" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const session = sessions[item.index];
          return session && <Row key={session.session_id} session={session} index={item.index} top={item.start - offset} />;
        })}
      </div>
    </div>
  );
}

function Row({ session, index, top }: { session: Session; index: number; top: number }) {
  const cell = "tabular hidden self-center truncate text-ink-2 lg:block";
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      data-row
      data-session={session.session_id}
      className={`${COLUMNS} absolute inset-x-0 items-center border-line border-b hover:bg-hover`}
      style={{ height: ROW_HEIGHT, transform: `translateY(${top}px)` }}
    >
      <div role="cell" className="row-span-2 min-w-0 lg:row-span-1">
        {/* the link covers the row, so that all of it can be tapped */}
        <Link href={paths.session(session.session_id)} prefetch={false} className="block min-w-0 after:absolute after:inset-0">
          <span className="flex min-w-0 items-center gap-1.5 font-medium">
            <span className="truncate">
              <HostileText text={session.agent_name ?? "unnamed"} />
            </span>
            <Marks session={session} />
          </span>
          <span className="block truncate font-mono text-ink-3 text-xs" title={plainId(session.session_id)}>
            <HostileText text={plainId(session.session_id)} />
          </span>
        </Link>
      </div>
      <div role="cell" className={cell}>
        <HostileText text={session.channel ?? "–"} />
      </div>
      <div role="cell" className={cell}>
        {session.control && session.control.state !== "running" ? (
          <ControlBadge control={session.control} />
        ) : (
          <StateMark session={session} />
        )}
      </div>
      <div role="cell" className={`${cell} text-right`}>
        {formatCompact(session.turns)}
      </div>
      <div role="cell" className={`${cell} text-right`}>
        {isRunaway(session) ? (
          <span className="inline-flex items-center gap-1 text-bad" title="more than ten sub-agents">
            <GitFork size={12} aria-hidden />
            {session.sub_agents + 1}
          </span>
        ) : (
          session.sub_agents + 1
        )}
      </div>
      <div role="cell" className={`${cell} text-right`}>
        {formatCompact(session.calls)}
      </div>
      <div role="cell" className="hidden self-center lg:block">
        <MixBar parts={callsBySilicon(session.routes)} />
      </div>
      <div role="cell" className={`${cell} text-sm`}>
        {session.last_error_time && (
          <span className="flex items-center gap-1.5" title={session.last_error ?? "an error without a message"}>
            <CircleAlert size={13} className="shrink-0 text-bad" aria-hidden />
            <span className="truncate">
              <HostileText text={session.last_error ?? "error"} />
            </span>
          </span>
        )}
      </div>
      <div role="cell" className="self-end text-right lg:self-center">
        <Money
          nanousd={session.cost_nanousd}
          unknownCalls={session.cost_nanousd === null ? 0 : session.unknown_cost_calls}
          className="font-medium"
        />
      </div>
      <div
        role="cell"
        className="col-start-2 row-start-2 self-start text-right text-ink-2 text-sm lg:col-start-auto lg:row-start-auto lg:self-center"
      >
        <Ago time={session.last_time} />
      </div>
    </div>
  );
}

const isRunaway = (session: Session) => session.sub_agents > 10;

/** What a narrow screen has no columns for, where it is bad news. */
function Marks({ session }: { session: Session }) {
  const stopped = session.control && session.control.state !== "running" ? session.control.state : null;
  const Stopped = stopped === "killed" ? OctagonX : Pause;
  return (
    <span className="flex shrink-0 gap-1.5 lg:hidden">
      {stopped && <Stopped size={13} role="img" aria-label={stopped} className={stopped === "killed" ? "text-bad" : "text-warn"} />}
      {isRunaway(session) && <GitFork size={13} role="img" aria-label="more than ten sub-agents" className="text-bad" />}
      {session.last_error_time && <CircleAlert size={13} role="img" aria-label="with errors" className="text-bad" />}
    </span>
  );
}
