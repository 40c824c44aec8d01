/** The scheduler's pools, as its control API tells them. */

export interface PoolSummary {
  name: string;
  silicon: string;
  state: string;
  reason: string | null;
  models: { id: string }[];
}

export interface Pools {
  data: PoolSummary[];
  /** What was found on this machine, in words, where no config names pools. */
  found: string[];
}

/** @returns undefined where the scheduler does not tell: callers have said elsewhere that it is not ready */
export async function readPools(schedulerUrl: string, token: string): Promise<Pools | undefined> {
  try {
    const response = await fetch(new URL("/control/pools", schedulerUrl), {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(5_000),
    });
    return response.ok ? ((await response.json()) as Pools) : undefined;
  } catch {
    return undefined;
  }
}

/** `demo-cpu (cpu), openai (cloud, 52 models)`; one that is not healthy says so. */
export function describePools({ data }: Pools): string {
  return data
    .map(({ name, silicon, state, models }) => {
      const facts = [silicon, ...(models.length > 1 ? [`${models.length} models`] : []), ...(state === "healthy" ? [] : [state])];
      return `${name} (${facts.join(", ")})`;
    })
    .join(", ");
}
