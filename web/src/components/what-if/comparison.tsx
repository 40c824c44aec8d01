import type { SimulatedRun, Simulation } from "../../api/simulation.ts";
import { formatUsd } from "../../model/money.ts";
import { formatCount } from "../../model/numbers.ts";

type Result = NonNullable<Simulation["result"]>;
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const change = (now: number, edited: number) =>
  now === 0 ? "–" : `${edited >= now ? "+" : "−"}${Math.abs((edited / now - 1) * 100).toFixed(1)} %`;

/** What was, what the policy in force makes of it in the simulation, and what the edited one does. */
export function Comparison({ result }: { result: Result }) {
  const { now, edited, decisions } = result;
  const classes = now.classes.map(({ sla_class }) => sla_class);
  return (
    <div className="flex flex-col gap-5">
      <p>
        {formatCount(decisions)} decisions: the edited policy costs <strong>{formatUsd(edited.cost_used_usd)}</strong> where the one in
        force costs {formatUsd(now.cost_used_usd)} ({change(now.cost_used_usd, edited.cost_used_usd)}).{" "}
        <span className="text-ink-2">
          Really spent: {formatUsd(result.past_cost_usd)}
          {result.past_unknown_costs > 0 && `, and ${formatCount(result.past_unknown_costs)} of unknown cost`}.
        </span>
      </p>
      <AttainmentChart classes={classes} now={now} edited={edited} />
      <section aria-label="comparison" tabIndex={0} className="scroll-x">
        <table className="w-full border-separate border-spacing-0">
          <thead>
            <tr>
              {["", "In force", "Edited", "Change"].map((title, index) => (
                <th
                  key={title || "what"}
                  scope="col"
                  className={`label border-line border-b px-3 pb-2 font-normal ${index ? "text-right" : "text-left"}`}
                >
                  {title || <span className="sr-only">what</span>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rowsOf(classes, now, edited).map(({ label, values }) => (
              <tr key={label}>
                <th scope="row" className="h-9 border-line border-b px-3 text-left font-normal">
                  {label}
                </th>
                {values.map((value, index) => (
                  <td key={["now", "edited", "change"][index]} className="tabular whitespace-nowrap border-line border-b px-3 text-right">
                    {value}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p className="text-ink-2 text-sm">
        Lines and brackets: 95 in 100 resamples of windows of requests. Engines are modelled by the speeds in the policy: compare the two
        columns with each other, not with what was spent.
      </p>
    </div>
  );
}

function rowsOf(classes: readonly string[], now: SimulatedRun, edited: SimulatedRun): { label: string; values: string[] }[] {
  const money = (label: string, pick: (run: SimulatedRun) => number) => ({
    label,
    values: [formatUsd(pick(now)), formatUsd(pick(edited)), change(pick(now), pick(edited))],
  });
  const pools = [...new Set([...now.pools, ...edited.pools].map(({ name }) => name))];
  return [
    money("Cost, used hours and tokens", (run) => run.cost_used_usd),
    money("Cost with idle time", (run) => run.cost_allocated_usd),
    ...classes.flatMap((name) => {
      const [a, b] = [classOf(now, name), classOf(edited, name)];
      const range = (one: typeof a) =>
        one ? `${percent(one.attainment.value)} (${percent(one.attainment.low)} – ${percent(one.attainment.high)})` : "–";
      const milliseconds = (value: number | null | undefined) => (value == null ? "–" : `${formatCount(Math.round(value))} ms`);
      return [
        {
          label: `${name}: on target`,
          values: [range(a), range(b), a && b ? `${((b.attainment.value - a.attainment.value) * 100).toFixed(1)} points` : "–"],
        },
        { label: `${name}: first token, p95`, values: [milliseconds(a?.ttft_ms.p95), milliseconds(b?.ttft_ms.p95), ""] },
        { label: `${name}: refused`, values: [formatCount(a?.refused ?? 0), formatCount(b?.refused ?? 0), ""] },
      ];
    }),
    ...pools.map((name) => {
      const use = (run: SimulatedRun) => {
        const pool = run.pools.find((one) => one.name === name);
        return pool ? `${percent(pool.busy)}, ${formatCount(pool.calls)} calls` : "–";
      };
      return { label: `${name}: busy`, values: [use(now), use(edited), ""] };
    }),
  ];
}

const classOf = (run: SimulatedRun, name: string) => run.classes.find(({ sla_class }) => sla_class === name);

const ROW = 44;
const LEFT = 84;
/** About a phone's, so that its words are as large there as they are meant. */
const WIDTH = 380;
/** Attainment of each class under both policies: a mark, and a line from low to high. */
function AttainmentChart({ classes, now, edited }: { classes: readonly string[]; now: SimulatedRun; edited: SimulatedRun }) {
  const x = (share: number) => LEFT + share * (WIDTH - LEFT - 20);
  const height = classes.length * ROW + 24;
  return (
    <figure>
      <figcaption className="mb-1 flex gap-4 text-ink-2 text-sm">
        <span>On target:</span>
        <span>● in force</span>
        <span>
          <span className="text-focus">◆</span> edited
        </span>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${height}`}
        className="w-full max-w-[440px]"
        role="img"
        aria-label="share of requests on target, by class and policy"
      >
        {[0, 0.25, 0.5, 0.75, 1].map((share) => (
          <g key={share}>
            <line x1={x(share)} x2={x(share)} y1={4} y2={height - 20} stroke="var(--line)" />
            <text x={x(share)} y={height - 6} textAnchor="middle" fontSize={11} fill="var(--ink-2)">
              {share * 100} %
            </text>
          </g>
        ))}
        {classes.map((name, index) => (
          <g key={name}>
            <text x={0} y={index * ROW + 26} fontSize={12} fill="var(--ink)">
              {name}
            </text>
            {[now, edited].map((run, which) => {
              const attainment = classOf(run, name)?.attainment;
              if (!attainment) return null;
              const y = index * ROW + 14 + which * 16;
              return (
                <g key={which === 0 ? "now" : "edited"} data-attainment={attainment.value}>
                  <line x1={x(attainment.low)} x2={x(attainment.high)} y1={y} y2={y} stroke="var(--ink-2)" strokeWidth={2} />
                  {which === 0 ? (
                    <circle cx={x(attainment.value)} cy={y} r={5} fill="var(--ink)" />
                  ) : (
                    <rect
                      x={x(attainment.value) - 5}
                      y={y - 5}
                      width={10}
                      height={10}
                      transform={`rotate(45 ${x(attainment.value)} ${y})`}
                      fill="var(--focus)"
                    />
                  )}
                </g>
              );
            })}
          </g>
        ))}
      </svg>
    </figure>
  );
}
