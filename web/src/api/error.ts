import { z } from "zod";

export const ERROR_CODES = {
  invalid_parameter: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  internal: 500,
  scheduler_refused: 502,
  collector_unavailable: 503,
  database_unavailable: 503,
  scheduler_unavailable: 503,
} as const;
export type ErrorCode = keyof typeof ERROR_CODES;

export const ErrorBody = z
  .object({ error: z.object({ code: z.string(), message: z.string(), field: z.string().optional() }) })
  .meta({ id: "Error" });

/** An answer of the read API that is not data. `status` 0: no answer at all. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly field: string | undefined;

  constructor(status: number, code: string, message: string, field?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

/** One line for a person: what happened, and what happens next or what to do. */
export function describeError(error: unknown): { title: string; detail: string } {
  if (!(error instanceof ApiError)) return { title: "This page failed", detail: error instanceof Error ? error.message : String(error) };
  switch (error.code) {
    case "database_unavailable":
      return { title: "Postgres is not reachable", detail: "Nothing is lost: this page fills in by itself as soon as it answers." };
    case "scheduler_unavailable":
      return { title: "The scheduler is not answering", detail: `${error.message}. Is \`npx signalbox up\` running?` };
    case "collector_unavailable":
      return { title: "The collector did not do it", detail: `${error.message}. Is \`npx signalbox up\` running?` };
    case "scheduler_refused":
      return { title: "The scheduler refused", detail: error.message };
    case "unreachable":
      return {
        title: "The dashboard's server is not answering",
        detail: "Trying again every few seconds. Is `npx signalbox up` still running?",
      };
    case "not_found":
      return { title: "Not found", detail: error.message };
    case "unauthorized":
      return { title: "Your login has ended", detail: "Run `npx signalbox url`, and open the link that it prints." };
    case "invalid_parameter":
      return { title: "This was refused", detail: error.message };
    default:
      return { title: "This could not be loaded", detail: error.message };
  }
}
