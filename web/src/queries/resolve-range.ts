import type { Sql } from "../server/database.ts";

const UNITS = { m: "minutes", h: "hours", d: "days" } as const;

/** The real bounds of a range: `from` and `to` may be a time, `-24h` or `today`. `from` goes down to a whole hour, or minute. */
export async function resolveRange(
  sql: Sql,
  from: string,
  to: string | undefined,
  tz: string,
): Promise<{ from: string; to: string; hours: number }> {
  const at = (text: string) => {
    if (text === "today") return sql`date_trunc('day', now(), ${tz})`;
    const relative = text.match(/^-(\d+)([mhd])$/);
    if (!relative) return sql`${text}::timestamptz`;
    return sql`now() - ${`${relative[1]} ${UNITS[relative[2] as keyof typeof UNITS]}`}::interval`;
  };
  const [row] = await sql<{ from: string; to: string; hours: number }[]>`
    select b.from, b.to, extract(epoch from b.to - b.from)::float8 / 3600 as hours
    from (select ${at(from)} as from, ${to === undefined ? sql`now()` : at(to)} as to) b`;
  if (!row) throw new Error("a query without a table gave no row");
  return row;
}
