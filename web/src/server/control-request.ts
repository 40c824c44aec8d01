import { environment } from "./environment.ts";

export interface ControlAnswer {
  status: number;
  ok: boolean;
  body: unknown;
  /** What it said where it refused: `{"error": {"message", "field"}}`, as every API of Signalbox refuses. */
  refusal: { message: string | undefined; field: string | undefined };
}

/**
 * One request to another part's control API, with the admin token that browsers never see.
 * @throws an Error that says which part gave no answer
 */
export async function controlRequest(
  base: string,
  path: string,
  { method, body, timeoutMs }: { method: "GET" | "POST"; body: object | undefined; timeoutMs: number },
): Promise<ControlAnswer> {
  try {
    const response = await fetch(new URL(path, base), {
      method,
      headers: { authorization: `Bearer ${environment.token()}`, ...(body && { "content-type": "application/json" }) },
      body: body ? JSON.stringify(body) : null,
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const answer: unknown = await response.json().catch(() => undefined);
    return {
      status: response.status,
      ok: response.ok,
      body: answer,
      refusal: { message: said(answer, "message"), field: said(answer, "field") },
    };
  } catch (error) {
    const isSlow = error instanceof Error && error.name === "TimeoutError";
    throw new Error(`${base} ${isSlow ? `said nothing for ${timeoutMs / 1000} s` : "refuses the connection"}`, { cause: error });
  }
}

function said(answer: unknown, name: string): string | undefined {
  const value: unknown = Reflect.get(Object(Reflect.get(Object(answer), "error")), name);
  return typeof value === "string" ? value : undefined;
}
