import type { Sql } from "../server/database.ts";

/** What agents call themselves. Of several names of one id, as agents of several sessions may have, the first by the alphabet. */
export async function agentNames(sql: Sql, agents: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql<{ agent_id: string; name: string }[]>`
    select agent_id, min(agent_name) as name from agents where agent_id = any(${agents as string[]}) and agent_name is not null group by agent_id`;
  return new Map(rows.map(({ agent_id, name }) => [agent_id, name]));
}
