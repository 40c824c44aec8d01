import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { TargetGuard } from "./target-guard.ts";

/** How notifications leave. */
export interface Way {
  guard: TargetGuard;
  timeoutMs: number;
}

/** The receiver did not take it. */
export class DeliveryFailed extends Error {
  override name = "DeliveryFailed";
  /** It asked not to be asked again for so long. */
  readonly retryAfterSeconds: number | null;
  constructor(message: string, retryAfterSeconds: number | null = null) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const MAX_ANSWER_BYTES = 2_000;
const MAX_RETRY_AFTER_SECONDS = 3_600;

/**
 * Posts JSON, to addresses that the guard allows. Redirects are not followed: they would lead past it.
 * @throws DeliveryFailed for any answer but 2xx and for none; its message names the host only, for paths hold secrets.
 */
export function postJson(url: string, body: string, headers: Record<string, string>, { guard, timeoutMs }: Way): Promise<void> {
  const target = new URL(url);
  guard.check(target.hostname);
  const request = target.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const fail = (why: string, retryAfterSeconds: number | null = null) =>
      reject(new DeliveryFailed(`${target.host} ${why}`, retryAfterSeconds));
    const sent = request(target, {
      method: "POST",
      lookup: guard.lookup,
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body), "user-agent": "signalbox", ...headers },
    });
    sent.on("response", (response) => {
      const { statusCode = 0 } = response;
      let answer = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        if (answer.length < MAX_ANSWER_BYTES) answer += chunk;
      });
      response.on("error", (error) => fail(`broke off: ${error.message}`));
      response.on("end", () => {
        if (statusCode >= 200 && statusCode < 300) resolve();
        else fail(`answered ${statusCode}${answer === "" ? "" : `: ${oneLine(answer)}`}`, retryAfter(response.headers["retry-after"]));
      });
    });
    sent.on("error", (error) =>
      fail(error.name === "AbortError" || error.name === "TimeoutError" ? `said nothing for ${timeoutMs / 1000} s` : reasonOf(error)),
    );
    sent.end(body);
  });
}

/** Without the address, which stands before it already. */
const reasonOf = (error: NodeJS.ErrnoException): string => (error.syscall === "connect" && error.code ? error.code : error.message);

const oneLine = (answer: string): string => answer.replace(/\s+/g, " ").trim().slice(0, 200);

function retryAfter(header: string | undefined): number | null {
  const seconds = Number(header);
  return header !== undefined && Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, MAX_RETRY_AFTER_SECONDS) : null;
}
