import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import type { z } from "zod";
import { ERROR_CODES, type ErrorCode } from "../api/error.ts";
import { findReadKey } from "../queries/find-read-key.ts";
import { isBearer, isLoginCookie, loginCookieName } from "./auth.ts";
import { CollectorUnavailable } from "./collector.ts";
import { DatabaseUnavailable, read } from "./database.ts";
import { EXPORT_FORMATS, type ExportFormat, exportRows, isExportFormat } from "./export.ts";
import { log } from "./log.ts";
import { countRequest } from "./metrics.ts";
import { Forbidden, inProject } from "./project-scope.ts";
import { InvalidParameter, NotFound } from "./refusal.ts";
import { SchedulerRefused, SchedulerUnavailable } from "./scheduler.ts";

export type Context = { params: Promise<Record<string, string> | undefined> };

/**
 * A GET route of the read API: checks who asks, reads the query string by its schema, answers JSON. Unknown parameters are
 * refused, so that a misspelt filter does not silently give everything.
 */
export function readRoute<S extends z.ZodType<object>>(
  schema: S,
  load: (parameters: z.infer<S>, path: Record<string, string>) => Promise<object>,
) {
  return async (request: Request, context: Context): Promise<Response> => {
    const response = await answer(schema, load, request, context);
    countRequest(response.status);
    return response;
  };
}

async function answer<S extends z.ZodType<object>>(
  schema: S,
  load: (parameters: z.infer<S>, path: Record<string, string>) => Promise<object>,
  request: Request,
  context: Context,
): Promise<Response> {
  try {
    const reader = isAllowed(request) ? { project: null } : await readerOf(request);
    if (reader === undefined)
      return refuse("unauthorized", "send Authorization: Bearer <SIGNALBOX_TOKEN>, or log in with the link that `npx signalbox up` prints");
    const { searchParams } = new URL(request.url);
    const format = takeFormat(schema, searchParams);
    const parameters = parseQuery(schema, searchParams);
    const path = checkPath((await context.params) ?? {});
    const respond = async () => {
      if (!format) return Response.json(await load(parameters, path), { headers: { "cache-control": "no-store" } });
      // the pages after the first are read while the answer is sent: as the same reader
      const loadPage = AsyncLocalStorage.bind((cursor: string | undefined) => load({ ...parameters, ...(cursor && { cursor }) }, path));
      return exportRows(format, new URL(request.url).pathname, loadPage);
    };
    return await (reader.project === null ? respond() : inProject(reader.project, respond));
  } catch (error) {
    return refuseFor(error, request);
  }
}

/** Who sends a key that was made for reading: the project that it may see, null for all. Undefined: the key is wrong, or there is none. */
async function readerOf(request: Request): Promise<{ project: string | null } | undefined> {
  const key = request.headers.get("authorization")?.match(/^Bearer +(\S+)$/i)?.[1];
  if (key === undefined) return undefined;
  return read((sql) => findReadKey(sql, createHash("sha256").update(key).digest("hex")));
}

/** Postgres' code for what the role of a key of one project may not read. */
const INSUFFICIENT_PRIVILEGE = "42501";

/** The answer to a request that failed: what the caller did wrong, or what is away. Anything else is ours, and is logged. */
export function refuseFor(error: unknown, request: Request): Response {
  if (error instanceof InvalidParameter) return refuse("invalid_parameter", error.message, error.field);
  if (error instanceof NotFound) return refuse("not_found", error.message);
  if (error instanceof DatabaseUnavailable) return refuse("database_unavailable", `Postgres is not reachable: ${error.message}`);
  if (error instanceof Forbidden) return refuse("forbidden", error.message);
  if (error instanceof Error && "code" in error && error.code === INSUFFICIENT_PRIVILEGE)
    return refuse("forbidden", "a key of one project does not reach this (on Postgres 15 it reaches nothing)");
  if (error instanceof CollectorUnavailable) return refuse("collector_unavailable", error.message);
  if (error instanceof SchedulerUnavailable) return refuse("scheduler_unavailable", error.message);
  if (error instanceof SchedulerRefused) return refuse("scheduler_refused", error.message);
  log("error", "request failed", { path: new URL(request.url).pathname, error: error instanceof Error ? error.message : String(error) });
  return refuse("internal", "this failed inside the dashboard; its log has the reason");
}

/** The login cookie of a browser, or the bearer token of a program. */
export function isAllowed(request: Request): boolean {
  if (isBearer(request.headers.get("authorization"))) return true;
  const name = `${loginCookieName()}=`;
  const cookie = request.headers
    .get("cookie")
    ?.split("; ")
    .find((part) => part.startsWith(name));
  return isLoginCookie(cookie?.slice(name.length), Date.now());
}

export function refuse(code: ErrorCode, message: string, field?: string): Response {
  const headers: Record<string, string> = { "cache-control": "no-store" };
  if (code === "unauthorized") headers["www-authenticate"] = 'Bearer realm="signalbox"';
  if (code === "database_unavailable") headers["retry-after"] = "2";
  return Response.json({ error: { code, message, ...(field === undefined ? {} : { field }) } }, { status: ERROR_CODES[code], headers });
}

/** Lists can be downloaded whole: `format` is a parameter of each that has pages. */
function takeFormat(schema: z.ZodType<object>, search: URLSearchParams): ExportFormat | undefined {
  const format = search.get("format");
  if (format === null || !("shape" in schema) || !("cursor" in Object(schema.shape))) return undefined;
  if (!isExportFormat(format)) throw new InvalidParameter("format", `is not one of ${EXPORT_FORMATS.join(", ")}`);
  search.delete("format");
  return format;
}

function parseQuery<S extends z.ZodType<object>>(schema: S, search: URLSearchParams): z.infer<S> {
  const known = "shape" in schema && typeof schema.shape === "object" && schema.shape !== null ? Object.keys(schema.shape) : [];
  const given: Record<string, string> = {};
  for (const [key, value] of search) {
    if (!known.includes(key)) throw new InvalidParameter(key, `is not a parameter of this resource (${known.join(", ") || "it has none"})`);
    if (key in given) throw new InvalidParameter(key, "is given twice");
    if (value.includes("\0")) throw new InvalidParameter(key, "holds a zero byte");
    given[key] = value;
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new InvalidParameter(String(issue?.path[0] ?? ""), issue?.message ?? "is not valid");
}

/** Path segments, which Next has percent-decoded once already: an id may hold '%' itself. */
export function checkPath(path: Record<string, string>): Record<string, string> {
  for (const [name, value] of Object.entries(path)) if (value.includes("\0")) throw new InvalidParameter(name, "holds a zero byte");
  return path;
}
