import type { z } from "zod";
import { ApiError, type ErrorBody } from "./error.ts";

/**
 * Reads one resource of the API, or asks for a change where there is a `body`. The schema is checked where zod is, which is not in the browser: see
 * zod-in-browser.ts. Throws an ApiError for anything but a well-formed answer.
 */
export async function fetchJson<T>(address: string, schema: z.ZodType<T>, signal?: AbortSignal, body?: object): Promise<T> {
  let response: Response;
  try {
    response = await fetch(address, {
      headers: { accept: "application/json", ...(body && { "content-type": "application/json" }) },
      signal: signal ?? null,
      ...(body && { method: "POST", body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "unreachable", `no answer from ${address}`);
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok) {
    const { code, message, field } = (answer as Partial<z.infer<typeof ErrorBody>> | undefined)?.error ?? {};
    if (code === undefined || message === undefined)
      throw new ApiError(response.status, "internal", `${address} answered ${response.status}`);
    throw new ApiError(response.status, code, message, field);
  }
  // something between us and the server may answer with a page of its own
  if (answer === undefined) throw new ApiError(response.status, "internal", `${address} answered something else than JSON`);
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new ApiError(
    response.status,
    "internal",
    `${address} answered a shape this page does not know: ${parsed.error.issues[0]?.path.join(".")}`,
  );
}
