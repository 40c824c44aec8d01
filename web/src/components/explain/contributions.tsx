import { plainId } from "@signalbox/otel/conventions";
import Link from "next/link";
import { CONTRIBUTION_KINDS, type Contribution, type ContributionKind, type Explanation } from "../../api/explain.ts";
import { shareOfChange } from "../../model/explain-words.ts";
import { formatMoney, toUsd } from "../../model/money.ts";
import { formatCount, formatShare, plural } from "../../model/numbers.ts";
import { formatDuration } from "../../model/time.ts";
import { paths } from "../../paths.ts";
import { classNames } from "../../ui/class-names.ts";
import { HostileText } from "../../ui/hostile-text.tsx";
import { Money } from "../../ui/money.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Segmented } from "../../ui/segmented.tsx";
import { siliconLook } from "../../ui/silicon.ts";
import { SiliconSign } from "../../ui/silicon-sign.tsx";

const LABELS: Record<ContributionKind, string> = {
  session: "Session",
  tree: "Sub-agent tree",
  agent: "Agent",
  route: "Route",
  model: "Model",
  tool: "Tool",
};

/** What the change is made of, one kind at a time: now against before, the largest change first. */
export function Contributions({
  explanation,
  by,
  onBy,
}: {
  explanation: Explanation;
  by: ContributionKind;
  onBy: (by: ContributionKind) => void;
}) {
  const rows = explanation.contributions.filter((row) => row.by === by);
  const isTool = by === "tool";
  const measure = (row: Contribution) =>
    isTool ? [row.calls, row.before_calls] : [toUsd(row.cost_nanousd ?? "0"), toUsd(row.before_cost_nanousd ?? "0")];
  const most = Math.max(...rows.flatMap(measure), 1e-12);
  return (
    <Panel
      title="What it is made of"
      flush
      aside={
        <Segmented label="by" value={by} options={CONTRIBUTION_KINDS.map((value) => ({ value, label: LABELS[value] }))} onChange={onBy} />
      }
    >
      {rows.length === 0 ? (
        <p className="border-line border-t px-4 py-6 text-center text-ink-2">
          {by === "tree" ? "No agent with sub-agents took part." : "Nothing."}
        </p>
      ) : (
        <ol aria-label={`by ${LABELS[by].toLowerCase()}`} className="border-line border-t">
          {rows.map((row) => {
            const [now = 0, before = 0] = measure(row);
            return <Row key={keyOf(row)} row={row} now={now / most} before={before / most} share={shareOfChange(row, explanation)} />;
          })}
        </ol>
      )}
      <p className="flex flex-wrap gap-x-5 px-4 py-2.5 text-ink-2 text-sm">
        <span className="flex items-center gap-1.5">
          <span className="h-2 w-4 rounded-[2px] bg-ink" aria-hidden /> now
        </span>
        <span className="flex items-center gap-1.5">
          <span className="h-2 w-4 rounded-[2px] bg-line-strong" aria-hidden /> the period before
        </span>
        {isTool && <span>A tool has no cost of its own: these are its calls.</span>}
      </p>
    </Panel>
  );
}

const keyOf = (row: Contribution) => [row.by, row.session_id, row.agent_id, row.label, row.detail].join("\n");

function hrefOf(row: Contribution): string {
  switch (row.by) {
    case "session":
      return paths.session(row.session_id ?? "");
    case "tree":
    case "agent":
      return paths.session(row.session_id ?? "", { view: "agents" });
    case "route":
      return row.label ? paths.routes({ route: row.label }) : paths.tokens({ group: "route" });
    case "model":
      return row.detail ? paths.routes({ pool: row.detail }) : paths.tokens({ group: "model" });
    case "tool":
      return paths.brain({ kind: "tool" });
  }
}

const NAMELESS: Record<ContributionKind, string> = {
  session: "unnamed",
  tree: "unnamed",
  agent: "no agent named",
  route: "not routed",
  model: "unknown model",
  tool: "unnamed tool",
};

function Row({ row, now, before, share }: { row: Contribution; now: number; before: number; share: number | null }) {
  const change = row.change_nanousd === null ? null : BigInt(row.change_nanousd);
  return (
    <li
      data-contribution={row.label}
      className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-5 gap-y-1 border-line border-b px-4 py-2.5 last:border-b-0 hover:bg-hover md:grid-cols-[minmax(0,5fr)_minmax(0,4fr)_88px_88px_150px]"
    >
      <span className="flex min-w-0 items-center gap-2">
        {row.by === "model" && <SiliconSign silicon={row.silicon} />}
        <Link
          href={hrefOf(row)}
          prefetch={false}
          className="max-w-[60%] shrink-0 truncate font-medium hover:underline"
          title={plainId(row.agent_id ?? row.session_id ?? row.label)}
        >
          <HostileText text={row.label || NAMELESS[row.by]} />
        </Link>
        <span className="max-w-[40%] shrink-0 truncate text-ink-2 text-sm">
          <HostileText text={[row.descendants !== null && plural(row.descendants, "sub-agent"), row.detail].filter(Boolean).join(", ")} />
        </span>
        {row.session_id && row.by !== "tree" && (
          <span className="hidden min-w-0 truncate font-mono text-ink-3 text-xs lg:inline" title={plainId(row.agent_id ?? row.session_id)}>
            <HostileText text={plainId((row.by === "agent" ? row.agent_id : null) ?? row.session_id)} />
          </span>
        )}
      </span>
      <span className="col-span-2 flex flex-col gap-px md:col-span-1 md:row-auto" aria-hidden>
        <span
          className="h-2 rounded-[2px]"
          style={{
            width: now > 0 ? `max(2px, ${now * 100}%)` : 0,
            background: row.by === "model" ? siliconLook(row.silicon).color : "var(--ink)",
          }}
        />
        <span className="h-1 rounded-[2px] bg-line-strong" style={{ width: before > 0 ? `max(2px, ${before * 100}%)` : 0 }} />
      </span>
      <span className="tabular row-start-1 text-right md:row-auto">
        {row.cost_nanousd === null ? `${formatCount(row.calls)}` : <Money nanousd={row.cost_nanousd} className="font-medium" />}
        <span className="label block font-normal">
          {row.cost_nanousd === null ? `calls, ${formatDuration(row.busy_ms ?? 0)}` : plural(row.calls, "call")}
        </span>
      </span>
      <span className="tabular hidden text-right text-ink-2 md:block">
        {row.before_cost_nanousd === null ? formatCount(row.before_calls) : <Money nanousd={row.before_cost_nanousd} />}
        <span className="label block font-normal">before</span>
      </span>
      <span
        className={classNames(
          "tabular hidden text-right md:block",
          change !== null && change > 0n && (share ?? 0) > 0.3 && "font-medium text-bad",
        )}
      >
        {change === null ? (
          <span className="text-ink-2">{`${row.calls >= row.before_calls ? "+" : "−"}${formatCount(Math.abs(row.calls - row.before_calls))}`}</span>
        ) : (
          <>
            {change > 0n ? "+" : ""}
            {formatMoney({ nanousd: String(change) })}
          </>
        )}
        <span className="label block font-normal">
          {row.errors > 0 && row.by === "tool"
            ? plural(row.errors, "error")
            : share === null || share > 1
              ? "\u00a0"
              : `${formatShare(share)} of the change`}
        </span>
      </span>
    </li>
  );
}
