const TIMEOUT_MS = 1_000;

/** Ids of the models that the scheduler serves; undefined where it does not answer within a second. */
export async function schedulerModels(schedulerUrl: string, key: string | undefined): Promise<string[] | undefined> {
  try {
    const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const response = await fetch(new URL("/v1/models", schedulerUrl), { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const { data } = (await response.json()) as { data?: { id?: unknown }[] };
    return (data ?? []).flatMap(({ id }) => (typeof id === "string" ? [id] : []));
  } catch {
    return undefined;
  }
}
