"use client";
import { plainId } from "@signalbox/otel/conventions";
import { useQuery } from "@tanstack/react-query";
import { ChevronRight, GitFork } from "lucide-react";
import Link from "next/link";
import { agentsQuery } from "../../api/agent.ts";
import type { AgentTree as Tree } from "../../api/tree.ts";
import { formatCount, plural } from "../../model/numbers.ts";
import { paths } from "../../paths.ts";
import { Badge } from "../../ui/badge.tsx";
import { classNames } from "../../ui/class-names.ts";
import { HostileText } from "../../ui/hostile-text.tsx";
import { Money } from "../../ui/money.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { Ago } from "../../ui/time.tsx";
import { Resource } from "../resource.tsx";
import { AgentTree } from "../session/agent-tree.tsx";

/** One session's tree in a line; opened, every agent of it. */
export function TreeItem({ tree, isOpen, onToggle }: { tree: Tree; isOpen: boolean; onToggle: () => void }) {
  return (
    <li className="border-line border-b last:border-b-0" data-row data-tree={tree.session_id}>
      <div className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-6 gap-y-1 px-4 py-3 hover:bg-hover md:grid-cols-[minmax(220px,1fr)_72px_72px_72px_88px_92px_92px_76px]">
        <div className="flex min-w-0 items-center gap-2.5">
          <button
            type="button"
            aria-expanded={isOpen}
            aria-label={`${isOpen ? "hide" : "show"} the agents of ${tree.agent_name ?? plainId(tree.session_id)}`}
            onClick={onToggle}
            className="-m-1 grid size-6 shrink-0 place-items-center text-ink-3 hover:text-ink"
          >
            <ChevronRight size={14} className={classNames("transition-transform", isOpen && "rotate-90")} aria-hidden />
          </button>
          <div className="min-w-0">
            <span className="flex min-w-0 items-center gap-2">
              <Link
                href={paths.session(tree.session_id, { view: "agents" })}
                prefetch={false}
                className="truncate font-medium hover:underline"
              >
                <HostileText text={tree.agent_name ?? "unnamed"} />
              </Link>
              {tree.is_runaway && (
                <Badge tone="bad" title={`${tree.peak_per_minute} sub-agents began within 60 seconds`}>
                  <GitFork size={11} aria-hidden /> runaway
                </Badge>
              )}
              {tree.control_state && tree.control_state !== "running" ? (
                <Badge tone={tree.control_state === "killed" ? "bad" : "warn"}>{tree.control_state}</Badge>
              ) : (
                tree.active_agents > 0 && <Badge tone="good">{tree.active_agents} active</Badge>
              )}
            </span>
            <span className="block truncate text-ink-3 text-xs" title={plainId(tree.session_id)}>
              {tree.channel && (
                <span className="text-ink-2">
                  <HostileText text={tree.channel} /> ·{" "}
                </span>
              )}
              <span className="font-mono">
                <HostileText text={plainId(tree.session_id)} />
              </span>
            </span>
          </div>
        </div>
        <Fact name="sub-agents" value={formatCount(tree.sub_agents)} />
        <Fact name="by one agent" value={formatCount(tree.widest)} isSmall />
        <Fact name={tree.depth === 1 ? "level" : "levels"} value={formatCount(tree.depth)} isSmall />
        <Fact name="in a minute" value={formatCount(tree.peak_per_minute)} isSmall isBad={tree.is_runaway} />
        <Fact name="sub-agents' cost" value={<Money nanousd={tree.sub_agent_cost_nanousd} />} isSmall />
        <Fact
          name="total cost"
          value={
            <Money
              nanousd={tree.cost_nanousd}
              unknownCalls={tree.cost_nanousd === null ? 0 : tree.unknown_cost_calls}
              className="font-medium"
            />
          }
          isSmall
        />
        <span className="hidden text-right text-ink-2 text-sm md:block">
          <Ago time={tree.last_time} />
        </span>
        <span className="col-span-2 pl-7 text-ink-2 text-sm md:hidden">
          <Money nanousd={tree.cost_nanousd} className="font-medium text-ink" />
          {`, ${plural(tree.peak_per_minute, "spawn")} within a minute, ${plural(tree.depth, "level")}, `}
          <Ago time={tree.last_time} />
        </span>
      </div>
      {isOpen && <Opened tree={tree} />}
    </li>
  );
}

function Fact({
  name,
  value,
  isSmall = false,
  isBad = false,
}: {
  name: string;
  value: React.ReactNode;
  isSmall?: boolean;
  isBad?: boolean;
}) {
  return (
    <span className={classNames("tabular text-right", isSmall && "hidden md:block")}>
      <span className={classNames("block", isBad && "font-medium text-bad")}>{value}</span>
      <span className="label block whitespace-nowrap font-normal">{name}</span>
    </span>
  );
}

function Opened({ tree }: { tree: Tree }) {
  const agents = useQuery(agentsQuery(tree.session_id));
  return (
    <div className="border-line border-t bg-sunken/40 md:pl-6">
      <Resource query={agents} skeleton={<SkeletonRows rows={6} height={36} />}>
        {(page) => <AgentTree agents={page.data} session={tree} />}
      </Resource>
    </div>
  );
}
