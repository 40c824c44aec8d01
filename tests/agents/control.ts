import assert from "node:assert/strict";

/** What a stop answers. */
export interface Receipt {
  state: string;
  descendants: string[];
  upstream_closed: number;
  slots_freed: number;
  agents_acknowledged: string[];
  unknown: string[];
}

/** A reason that an agent's words are searched for. */
export const REASON = "the suite says so";

/** Stops or resumes a session through the control API. */
export async function control(schedulerUrl: string, token: string, session: string, verb: "kill" | "resume"): Promise<Receipt> {
  const response = await fetch(`${schedulerUrl}/control/sessions/${session}/${verb}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ reason: REASON }),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as Receipt;
}
