import { messageOf, SetupError } from "@signalbox/local";

/**
 * The model to ask the scheduler for: `auto` where it is offered, else the first.
 * @throws SetupError when the scheduler does not tell.
 */
export async function defaultModel(schedulerUrl: string, key: string | undefined): Promise<string> {
  const models = await offeredModels(schedulerUrl, key);
  const model = models.includes("auto") ? "auto" : models[0];
  if (model === undefined) throw new SetupError("scheduler", "The scheduler offers no model. See npx signalbox doctor.");
  return model;
}

/** What may be asked for. @throws SetupError when the scheduler does not tell. */
export async function offeredModels(schedulerUrl: string, key: string | undefined): Promise<string[]> {
  let response: Response;
  try {
    response = await fetch(new URL("/v1/models", schedulerUrl), {
      ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
      signal: AbortSignal.timeout(5_000),
    });
  } catch (error) {
    throw new SetupError("scheduler", `The scheduler at ${schedulerUrl} does not answer (${messageOf(error)}). See npx signalbox status.`);
  }
  if (response.status === 401) {
    throw new SetupError(
      "scheduler_key",
      "The scheduler asks for a key, for its config names `keys:`. Put one in SIGNALBOX_KEY and run this again.",
    );
  }
  if (!response.ok) throw new SetupError("scheduler", `The scheduler answered ${response.status} on /v1/models.`);
  const { data } = (await response.json()) as { data: { id: string }[] };
  return data.map(({ id }) => id);
}
