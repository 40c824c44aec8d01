/** Refusals in the shape that OpenAI's clients understand. */

export interface HttpErrorOptions {
  param?: string;
  retryAfterSeconds?: number;
  headers?: Readonly<Record<string, string>>;
}

/** An answer that ends a request before it reaches a pool. `retryAfterSeconds` says that trying again can help. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string | null;
  readonly param: string | null;
  readonly retryAfterSeconds: number | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string | null, message: string, options: HttpErrorOptions = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = options.param ?? null;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.headers = options.headers ?? {};
  }
}

export const badRequest = (message: string, param?: string) => new HttpError(400, null, message, param === undefined ? {} : { param });

/** The body: `{"error": {"message", "type", "param", "code"}}`. */
export function errorBody({ status, code, message, param }: Pick<HttpError, "status" | "code" | "message" | "param">): string {
  return JSON.stringify({ error: { message, type: errorType(status), param, code } });
}

function errorType(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}
