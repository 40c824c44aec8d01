"use client";
import { plainId } from "@signalbox/otel/conventions";
import { ChevronRight, CircleAlert } from "lucide-react";
import { useMemo, useState } from "react";
import type { Agent } from "../../api/agent.ts";
import type { Session } from "../../api/session.ts";
import { toUsd } from "../../model/money.ts";
import { formatCompact } from "../../model/numbers.ts";
import { epochMs, formatDuration } from "../../model/time.ts";
import { childrenOf, type TreeRow, visibleRows } from "../../model/tree.ts";
import { classNames } from "../../ui/class-names.ts";
import { HostileText } from "../../ui/hostile-text.tsx";
import { MixBar } from "../../ui/mix-bar.tsx";
import { Money } from "../../ui/money.tsx";
import { EmptyState } from "../../ui/notice.tsx";
import { siliconLook } from "../../ui/silicon.ts";
import { SiliconSign } from "../../ui/silicon-sign.tsx";
import { callsBySilicon } from "../session-mix.ts";

const INDENT = 18;

/** Who spawned whom, what each agent cost by itself and with all below it, and which silicon served it. */
export function AgentTree({ agents, session }: { agents: readonly Agent[]; session: Pick<Session, "first_time" | "last_time"> }) {
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => {
    const nodes = new Map(agents.map((agent) => [agent.agent_id, agent]));
    const children = childrenOf(agents.map((agent) => ({ id: agent.agent_id, parent: agent.parent_agent_id })));
    return visibleRows(nodes, children, (id) => !folded.has(id));
  }, [agents, folded]);
  if (agents.length === 0) return <EmptyState title="No agent named itself in this session" />;
  const toggle = (id: string) => setFolded((now) => (now.has(id) ? new Set([...now].filter((one) => one !== id)) : new Set([...now, id])));
  const most = Math.max(...agents.map((agent) => agent.cost_usd ?? 0), 1e-12);
  // while it runs, agents may have been read later than the session
  const bounds = {
    from: Math.min(epochMs(session.first_time), ...agents.map((agent) => epochMs(agent.first_time))),
    to: Math.max(epochMs(session.last_time), ...agents.map((agent) => epochMs(agent.last_time))),
  };
  return (
    <section aria-label="table" tabIndex={0} className="scroll-x outline-offset-[-2px]">
      <table className="w-full border-separate border-spacing-0" aria-label="agents">
        <thead>
          <tr className="text-left">
            {["Agent", "When", "Served by", "Calls", "Tokens", "Own cost", "Total"].map((name, index) => (
              <th
                key={name}
                scope="col"
                className={classNames(
                  "label whitespace-nowrap border-line border-b px-3 py-2 font-medium first:pl-4 last:pr-4",
                  index > 2 && "text-right",
                  [1, 2, 3, 4].includes(index) && "hidden md:table-cell",
                )}
              >
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row
              key={row.node.agent_id}
              row={row}
              most={most}
              bounds={bounds}
              isFolded={folded.has(row.node.agent_id)}
              onToggle={() => toggle(row.node.agent_id)}
            />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({
  row: { node, level, hasChildren },
  most,
  bounds,
  isFolded,
  onToggle,
}: {
  row: TreeRow<Agent>;
  most: number;
  bounds: { from: number; to: number };
  isFolded: boolean;
  onToggle: () => void;
}) {
  const cell = "h-9 whitespace-nowrap border-line border-b px-3 group-last:border-b-0";
  const mix = callsBySilicon(node.silicons);
  const main = mix[0]?.silicon ?? null;
  return (
    <tr className="group hover:bg-hover" data-agent={node.agent_id}>
      <td className={classNames(cell, "max-w-56 pl-4 sm:max-w-80")}>
        <span className="flex items-center gap-1.5" style={{ paddingLeft: Math.min(level, 10) * INDENT }}>
          {hasChildren ? (
            <button
              type="button"
              onClick={onToggle}
              aria-expanded={!isFolded}
              aria-label={`${isFolded ? "show" : "hide"} the sub-agents of ${node.agent_name ?? plainId(node.agent_id)}`}
              className="-m-1 grid size-6 shrink-0 place-items-center text-ink-3 hover:text-ink"
            >
              <ChevronRight size={13} className={classNames("transition-transform", !isFolded && "rotate-90")} aria-hidden />
            </button>
          ) : (
            <span className="w-4 shrink-0" />
          )}
          <SiliconSign silicon={main} size={11} />
          <span className={classNames("truncate", level === 0 && "font-medium")} title={plainId(node.agent_id)}>
            <HostileText text={node.agent_name ?? plainId(node.agent_id)} />
          </span>
          {isFolded && <span className="text-ink-3 text-sm">+{node.descendants}</span>}
          {node.errors > 0 && <CircleAlert size={12} className="shrink-0 text-bad" aria-label={`${node.errors} errors`} />}
        </span>
      </td>
      <td className={classNames(cell, "hidden w-[20%] min-w-32 md:table-cell")}>
        <When agent={node} bounds={bounds} color={siliconLook(main).color} />
      </td>
      <td className={classNames(cell, "hidden w-28 md:table-cell")}>
        <MixBar parts={mix} />
      </td>
      <td className={classNames(cell, "tabular hidden text-right md:table-cell")}>{formatCompact(node.calls)}</td>
      <td className={classNames(cell, "tabular hidden text-right md:table-cell")}>
        {formatCompact(node.input_tokens + node.output_tokens)}
      </td>
      <td className={classNames(cell, "tabular text-right")}>
        <span className="inline-flex items-center align-middle justify-end gap-2">
          <span className="hidden h-1 w-16 overflow-hidden rounded-full bg-sunken lg:block" aria-hidden>
            <span
              className="block h-full rounded-full"
              style={{
                width: `${((node.cost_nanousd === null ? 0 : toUsd(node.cost_nanousd)) / most) * 100}%`,
                background: siliconLook(main).color,
              }}
            />
          </span>
          {/* as wide in every row, so that the bars begin below each other */}
          <Money
            nanousd={node.cost_nanousd}
            unknownCalls={node.cost_nanousd === null ? 0 : node.unknown_cost_calls}
            className="lg:min-w-24"
          />
        </span>
      </td>
      <td className={classNames(cell, "tabular pr-4 text-right font-medium")}>
        {node.descendants > 0 ? (
          <Money nanousd={node.rollup_cost_nanousd} unknownCalls={node.rollup_cost_nanousd === null ? 0 : node.rollup_unknown_cost_calls} />
        ) : (
          <span className="text-ink-3">–</span>
        )}
      </td>
    </tr>
  );
}

/** When in the session this agent lived. */
function When({ agent, bounds, color }: { agent: Agent; bounds: { from: number; to: number }; color: string }) {
  const length = Math.max(1, bounds.to - bounds.from);
  const from = (epochMs(agent.first_time) - bounds.from) / length;
  const to = (epochMs(agent.last_time) - bounds.from) / length;
  const words = `${formatDuration(epochMs(agent.last_time) - epochMs(agent.first_time))}, starting ${formatDuration(epochMs(agent.first_time) - bounds.from)} in`;
  return (
    <span className="relative block h-3" role="img" aria-label={words} title={words}>
      <span className="absolute inset-x-0 top-1/2 h-px bg-line" />
      <span
        className="absolute top-1/2 h-1.5 -translate-y-1/2 rounded-full"
        style={{ left: `${from * 100}%`, width: `max(3px, ${(to - from) * 100}%)`, background: color }}
      />
    </span>
  );
}
