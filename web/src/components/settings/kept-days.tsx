import type { Settings } from "../../api/settings.ts";
import { plural } from "../../model/numbers.ts";

type Retention = Settings["retention"];
const KINDS = [
  ["content_days", "Prompts and results"],
  ["payload_days", "Bodies of calls"],
  ["span_days", "Spans"],
  ["rollup_days", "Totals by hour"],
] as const satisfies readonly (readonly [keyof Retention["others"], string])[];

/** How long each kind is kept, a row for each project that differs. */
export function KeptDays({ retention: { others, projects } }: { retention: Retention }) {
  const rows = [...projects.map(({ project, ...days }) => [project, days] as const), [null, others] as const];
  return (
    <section aria-label="retention" tabIndex={0} className="scroll-x border-line border-t outline-offset-[-2px]">
      <table className="w-full min-w-[560px] text-left">
        <thead>
          <tr className="label border-line border-b">
            <th className="px-4 py-2 font-medium">Kept of</th>
            {KINDS.map(([kind, name]) => (
              <th key={kind} className="px-2 py-2 text-right font-medium last:pr-4">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([project, days]) => (
            <tr key={project ?? "/"} className="border-line border-b last:border-b-0">
              <th scope="row" className="max-w-60 truncate px-4 py-2 font-medium" title={project ?? undefined}>
                {project ?? (projects.length === 0 ? "All projects" : "All others")}
              </th>
              {KINDS.map(([kind]) => (
                <td key={kind} className="tabular px-2 py-2 text-right text-ink-2 last:pr-4">
                  {days[kind] === null ? "forever" : plural(days[kind], "day")}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
