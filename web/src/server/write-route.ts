import type { z } from "zod";
import { isSameOrigin } from "./auth.ts";
import { countRequest } from "./metrics.ts";
import { type Context, checkPath, isAllowed, refuse, refuseFor } from "./read-route.ts";
import { InvalidParameter } from "./refusal.ts";

/** A policy to simulate is the largest. */
const MAX_BODY_BYTES = 64 * 1024;

/**
 * A POST route that asks for a change. Beside the login it wants proof that our own page sent it: the browser's word on its
 * origin (proxy.ts asks for it too), and a JSON body, which no form of another site can send.
 */
export function writeRoute<S extends z.ZodType<object>>(
  schema: S,
  change: (body: z.infer<S>, path: Record<string, string>) => Promise<object>,
) {
  return async (request: Request, context: Context): Promise<Response> => {
    const response = await answer(schema, change, request, context);
    countRequest(response.status);
    return response;
  };
}

async function answer<S extends z.ZodType<object>>(
  schema: S,
  change: (body: z.infer<S>, path: Record<string, string>) => Promise<object>,
  request: Request,
  context: Context,
): Promise<Response> {
  if (!isSameOrigin(request.headers)) return refuse("forbidden", "this request did not come from the dashboard itself");
  if (!isAllowed(request)) return refuse("unauthorized", "log in with the link that `npx signalbox up` prints");
  try {
    const body = await parseBody(schema, request);
    return Response.json(await change(body, checkPath((await context.params) ?? {})), { headers: { "cache-control": "no-store" } });
  } catch (error) {
    return refuseFor(error, request);
  }
}

async function parseBody<S extends z.ZodType<object>>(schema: S, request: Request): Promise<z.infer<S>> {
  if (!request.headers.get("content-type")?.startsWith("application/json"))
    throw new InvalidParameter("content-type", "must be application/json");
  const text = await request.text();
  if (text.length > MAX_BODY_BYTES) throw new InvalidParameter("body", `is longer than ${MAX_BODY_BYTES} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidParameter("body", "is not JSON");
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new InvalidParameter(String(issue?.path[0] ?? "body"), issue?.message ?? "is not valid");
}
