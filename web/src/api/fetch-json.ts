import type { z } from "zod";
import { ApiError, ErrorBody } from "./error.ts";

/** Reads one resource of the API, or asks for a change where there is a `body`. Throws an ApiError for anything but a well-formed answer. */
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
    const parsed = ErrorBody.safeParse(answer);
    if (!parsed.success) throw new ApiError(response.status, "internal", `${address} answered ${response.status}`);
    const { code, message, field } = parsed.data.error;
    throw new ApiError(response.status, code, message, field);
  }
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new ApiError(
    response.status,
    "internal",
    `${address} answered a shape this page does not know: ${parsed.error.issues[0]?.path.join(".")}`,
  );
}
