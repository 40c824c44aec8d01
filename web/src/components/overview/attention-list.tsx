import { BellRing, CircleAlert, CircleCheck, CircleHelp, Clock, GitFork, Unplug } from "lucide-react";
import Link from "next/link";
import type { AttentionItem } from "../../api/attention.ts";
import { channelWord } from "../../model/explain-words.ts";
import { plural } from "../../model/numbers.ts";
import { paths } from "../../paths.ts";
import { HostileText } from "../../ui/hostile-text.tsx";
import { Ago } from "../../ui/time.tsx";

/** One line each: what happened, where, and a link to the rows behind it. */
const LOOKS: Record<
  AttentionItem["kind"],
  {
    icon: typeof CircleAlert;
    tone: string;
    say: (item: AttentionItem) => string;
    detail: (item: AttentionItem) => string;
    href: (item: AttentionItem) => string;
  }
> = {
  alert: {
    icon: BellRing,
    tone: "text-bad",
    say: (item) => item.label,
    detail: (item) => `alert "${item.detail}" is firing`,
    href: () => paths.alerts(),
  },
  runaway: {
    icon: GitFork,
    tone: "text-bad",
    say: (item) => `${item.label} spawned ${plural(item.count, "sub-agent")} within a minute`,
    detail: (item) => (item.detail ? `in one ${channelWord(item.detail)} thread` : ""),
    href: (item) => paths.session(item.session_id ?? "", { view: "agents" }),
  },
  errors: {
    icon: CircleAlert,
    tone: "text-bad",
    say: (item) => `${item.label}: ${plural(item.count, "error")}`,
    detail: (item) => item.detail ?? "",
    href: (item) => paths.session(item.session_id ?? ""),
  },
  sla_missed: {
    icon: Clock,
    tone: "text-warn",
    say: (item) => `${item.label || "unrouted calls"} missed its SLA on ${item.count} of ${plural(item.of ?? 0, "call")}`,
    detail: (item) => (item.detail ? `class ${item.detail}` : ""),
    href: (item) => paths.routes({ route: item.label, show: "missed" }),
  },
  export: {
    icon: Unplug,
    tone: "text-warn",
    say: (item) => `The export ${item.label} does not take everything: ${plural(item.count, "span")} waiting or dropped`,
    detail: (item) => item.detail ?? "",
    href: () => paths.settings(),
  },
  unknown_cost: {
    icon: CircleHelp,
    tone: "text-warn",
    say: (item) => `No price is known for ${item.label || "an unnamed model"}`,
    detail: (item) => `${plural(item.count, "call")} counted as unknown`,
    href: () => paths.sessions({ show: "unknown_cost" }),
  },
};

/** Of these the time is an hour's beginning, maybe before anything happened. */
const COUNTED_BY_HOUR: ReadonlySet<AttentionItem["kind"]> = new Set(["sla_missed", "unknown_cost"]);

export function AttentionList({ items }: { items: readonly AttentionItem[] }) {
  if (items.length === 0) {
    return (
      <p className="flex items-center gap-2 px-4 py-4 text-ink-2">
        <CircleCheck size={16} className="text-good" aria-hidden /> Nothing in the last 24 hours.
      </p>
    );
  }
  return (
    <ul className="max-h-[380px] overflow-y-auto">
      {items.map((item) => {
        const look = LOOKS[item.kind];
        const Icon = look.icon;
        return (
          <li
            key={`${item.kind} ${item.session_id} ${item.label} ${item.detail}`}
            data-row
            className="border-line border-b last:border-b-0"
          >
            <Link prefetch={false} href={look.href(item)} className="flex items-start gap-3 px-4 py-2.5 hover:bg-hover">
              <Icon size={15} className={`mt-0.5 shrink-0 ${look.tone}`} aria-hidden />
              <span className="min-w-0 flex-1">
                <span className="line-clamp-2 break-words md:line-clamp-1">
                  <HostileText text={look.say(item)} />
                </span>
                <span className="block truncate text-ink-2 text-sm">
                  <HostileText text={look.detail(item)} />
                </span>
              </span>
              <span className="shrink-0 text-ink-3 text-sm">{COUNTED_BY_HOUR.has(item.kind) ? "in 24 h" : <Ago time={item.time} />}</span>
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
