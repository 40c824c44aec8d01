import { plainId } from "@signalbox/otel/conventions";
import type { Burst, Contribution, Explanation } from "../api/explain.ts";
import { paths } from "../paths.ts";
import { formatMoney, toUsd } from "./money.ts";
import { formatCount, formatDecimals, formatShare, plural } from "./numbers.ts";
import { formatDuration } from "./time.ts";

/** One claim: its words, of which the strong ones are numbers and names, and where the rows behind it are. */
export interface Statement {
  id: "total" | "spike" | "burst" | "where" | "silicon" | "baseline" | "unknown";
  parts: readonly (string | { strong: string })[];
  href: string;
  link: string;
}

const strong = (text: string) => ({ strong: text });
const money = (nanousd: string | bigint) => strong(formatMoney({ nanousd: String(nanousd) }));

/** "3.4×", "21×" */
export const formatTimes = (ratio: number) => `${formatDecimals(ratio, ratio < 10 ? 1 : 0)}×`;

/** Of the whole change, 0..1; null where the row went the other way or nothing changed. */
export function shareOfChange(row: Contribution, explanation: Pick<Explanation, "now" | "before">): number | null {
  const whole = BigInt(explanation.now.cost_nanousd) - BigInt(explanation.before.cost_nanousd);
  const part = BigInt(row.change_nanousd ?? 0);
  if (whole === 0n || part === 0n || whole > 0n !== part > 0n) return null;
  return Number(part) / Number(whole);
}

/** What happened, in sentences that hold nothing but numbers of the explanation. */
export function explainInWords(explanation: Explanation): Statement[] {
  const { now, before } = explanation;
  if (now.calls === 0 && before.calls === 0) return [];
  return [
    ...totalWords(explanation),
    ...spikeWords(explanation),
    ...whereWords(explanation),
    ...siliconWords(explanation),
    ...baselineWords(explanation),
    ...unknownWords(explanation),
  ];
}

const changeOf = ({ now, before }: Explanation) => BigInt(now.cost_nanousd) - BigInt(before.cost_nanousd);
const absolute = (value: bigint) => (value < 0n ? -value : value);

function totalWords(explanation: Explanation): Statement[] {
  const { now, before } = explanation;
  const change = changeOf(explanation);
  const against =
    before.calls === 0
      ? [". In the period before there were no calls."]
      : [
          ", ",
          money(absolute(change)),
          // more than ten times nothing much says less than the amount
          ...(absolute(change) > 10n * BigInt(before.cost_nanousd)
            ? []
            : [" (", strong(formatShare(toUsd(absolute(change)) / toUsd(before.cost_nanousd))), ")"]),
          change < 0n ? " less than in the period before." : " more than in the period before.",
        ];
  return [
    {
      id: "total",
      parts: [money(now.cost_nanousd), " over ", strong(plural(now.calls, "model call")), ...against],
      href: paths.tokens({}),
      link: "Tokens",
    },
  ];
}

/** The session behind the rise, and whether it ran away. */
function spikeWords(explanation: Explanation): Statement[] {
  const isRise = changeOf(explanation) > 0n;
  const top = explanation.contributions.find((row) => row.by === "session" && shareOfChange(row, explanation) !== null);
  const bursts = explanation.bursts;
  const behind = top && bursts.find((burst) => burst.session_id === top.session_id);
  const words: Statement[] = [];
  if (top?.session_id) {
    words.push({
      id: "spike",
      parts: [
        ...shareWords(top, explanation),
        isRise ? " came from " : " is in ",
        strong(top.label),
        ...(isRise && behind ? [", ", ...burstWords(behind)] : []),
        ".",
      ],
      href: paths.session(top.session_id, { view: "agents" }),
      link: "Its agents",
    });
  }
  for (const burst of bursts.filter((one) => one !== behind || !isRise)) {
    words.push({
      id: "burst",
      parts: [strong(burst.agent_name ?? plainId(burst.session_id)), " ran away: ", ...burstWords(burst), "."],
      href: paths.session(burst.session_id, { view: "agents" }),
      link: "Its agents",
    });
  }
  return words;
}

/** "71 % of the rise", "71 % of it" where nothing was before, or what it added by itself where that is more than the whole: others fell meanwhile. */
function shareWords(row: Contribution, explanation: Explanation): Statement["parts"] {
  const share = shareOfChange(row, explanation) ?? 0;
  const whole = changeOf(explanation) > 0n ? "rise" : "fall";
  if (share <= 1) return [strong(formatShare(share)), explanation.before.calls === 0 ? " of it" : ` of the ${whole}`];
  return [`More than the whole ${whole}, `, money(absolute(BigInt(row.change_nanousd ?? 0))), ","];
}

/** "telegram" as a sentence has it. */
export const channelWord = (channel: string) => `${channel[0]?.toUpperCase()}${channel.slice(1)}`;

const burstWords = ({ sub_agents, seconds, channel }: Burst) => [
  "one runaway agent that spawned ",
  strong(plural(sub_agents, "sub-agent")),
  " within ",
  strong(seconds < 120 ? `${Math.max(1, Math.round(seconds))} s` : formatDuration(Math.round(seconds) * 1000)),
  ...(channel ? [` in one ${channelWord(channel)} thread`] : []),
];

/** The route and the model that most of the change went through. */
function whereWords(explanation: Explanation): Statement[] {
  const top = (by: Contribution["by"]) =>
    explanation.contributions.find((row) => row.by === by && (shareOfChange(row, explanation) ?? 0) > 0.05);
  const route = top("route");
  const model = top("model");
  if (!model) return [];
  return [
    {
      id: "where",
      parts: [
        ...shareWords(model, explanation),
        " is ",
        strong(model.label || "an unnamed model"),
        ...(model.detail ? [" on ", strong(model.detail)] : []),
        ...(route ? [". ", ...shareWords(route, explanation), " went through ", strong(route.label || "no route")] : []),
        ".",
      ],
      href: route?.label ? paths.routes({ route: route.label }) : paths.tokens({ group: "model" }),
      link: "Decisions",
    },
  ];
}

const SILICON: Readonly<Record<string, string>> = { cpu: "on CPU", gpu: "on the GPU queue", npu: "on an NPU", cloud: "in the cloud" };

function siliconWords({ sessions_by_silicon: kinds }: Explanation): Statement[] {
  const all = kinds.reduce((sum, kind) => sum + kind.sessions, 0);
  if (all === 0) return [];
  const link = { id: "silicon", href: paths.tokens({ group: "silicon" }), link: "By silicon" } as const;
  const where = (silicon: string | null) => (silicon === null ? "past the scheduler" : (SILICON[silicon] ?? `on ${silicon}`));
  if (all === 1) return [{ ...link, parts: [strong("The one session"), ` ran mostly ${where(kinds[0]?.silicon ?? null)}.`] }];
  const parts = kinds.flatMap(({ silicon, sessions }, index) => [
    index === 0 ? "" : index === kinds.length - 1 ? " and " : ", ",
    strong(formatShare(sessions / all)),
    `${index === 0 ? ` of the ${formatCount(all)} sessions ran mostly` : ""} ${where(silicon)}`,
  ]);
  return [{ ...link, parts: [...parts, "."] }];
}

function baselineWords({ now, baseline_model: model }: Explanation): Statement[] {
  const cost = BigInt(now.comparable_cost_nanousd);
  const baseline = BigInt(now.comparable_baseline_nanousd);
  if (cost <= 0n || baseline <= 0n) return [];
  const ratio = Number(baseline) / Number(cost);
  return [
    {
      id: "baseline",
      parts: [
        "A single vendor",
        ...(model ? [" (", strong(model), ")"] : []),
        " would have charged ",
        money(baseline),
        " for these calls: ",
        ratio >= 1 ? "this was " : "it would have been ",
        strong(formatTimes(ratio >= 1 ? ratio : 1 / ratio)),
        " smaller.",
      ],
      href: paths.tokens({ group: "route" }),
      link: "By route",
    },
  ];
}

function unknownWords({ now }: Explanation): Statement[] {
  if (now.unknown_cost_calls === 0) return [];
  return [
    {
      id: "unknown",
      parts: ["The cost of ", strong(plural(now.unknown_cost_calls, "call")), " is unknown and in none of these numbers."],
      href: paths.sessions({ show: "unknown_cost" }),
      link: "Sessions",
    },
  ];
}
