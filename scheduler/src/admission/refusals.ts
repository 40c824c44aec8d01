/** What a caller that is not admitted is told, so that its agent stops at once where trying again cannot help. */

import { type Dialect, type ErrorReply, errorReply } from "../dialects/translate/index.ts";
import { HttpError } from "../http/errors.ts";
import type { Claim, Usage } from "./budgets/budget.ts";
import type { Shortfall } from "./budgets/operations.ts";
import { plainId } from "./scoped-id.ts";
import type { Control } from "./stop/controls.ts";

export const SESSION_KILLED = "session_killed";
const SESSION_PAUSED = "session_paused";
const BUDGET_EXHAUSTED = "budget_exhausted";
const DATABASE_RETRY_SECONDS = 5;

/** OpenAI's clients stop at 403. The other dialects' status is `refusalReply`'s business. */
const STOPS = 403;

export function stopRefusal({ id, state, reason }: Pick<Control, "id" | "state" | "reason">): HttpError {
  const why = reason ? `: ${reason}` : "";
  const whose = plainId(id);
  if (state === "killed") return new HttpError(STOPS, SESSION_KILLED, `Signalbox: ${whose} was killed${why}. No further calls are served.`);
  return new HttpError(STOPS, SESSION_PAUSED, `Signalbox: ${whose} is paused${why}. Calls are served again when it is resumed.`);
}

/** The ladder says pause. */
export const budgetPaused = (claim: Claim, usage: Readonly<Usage>): HttpError =>
  new HttpError(
    STOPS,
    "budget_paused",
    `Signalbox: ${describeBudget(claim)} is paused at ${usd(usage.spent)} of ${usd(claim.budget.limitNanousd)}. Resume it, or raise its limit.`,
  );

/** The call's worst case does not fit. Where calls in flight hold what it needs, trying again can help. */
export function budgetRefusal({ claim, usage, held }: Shortfall, amount: number): HttpError {
  const { limitNanousd } = claim.budget;
  const asks = `this call may cost up to ${usd(amount)}`;
  if (held) {
    const message = `Signalbox: ${describeBudget(claim)} has ${usd(usage.reserved)} set aside for calls in flight; ${asks}. Try again when they have ended.`;
    return new HttpError(429, "budget_reserved", message, { retryAfterSeconds: 1 });
  }
  const left = usd(Math.max(0, limitNanousd - usage.spent));
  const message = `Signalbox: ${describeBudget(claim)} has ${left} left of ${usd(limitNanousd)}; ${asks}. Raise the limit, or lower max_tokens.`;
  return new HttpError(STOPS, BUDGET_EXHAUSTED, message);
}

export const databaseAwayRefusal = (): HttpError =>
  new HttpError(
    503,
    "budget_database_away",
    "Signalbox: budgets cannot be checked while Postgres is away, and the config says to refuse then (admission.when_database_is_away: closed).",
    { retryAfterSeconds: DATABASE_RETRY_SECONDS },
  );

/** Anthropic's clients stop at 402, where 403 would be tried again. */
const STOPS_ANTHROPIC = 402;

/** A refusal in the caller's own dialect, so that OpenAI's clients, Claude Code and Codex each understand whether to stop. */
export function refusalReply(dialect: Dialect, { status, code, message, param, retryAfterSeconds, headers }: HttpError): ErrorReply {
  const shown = dialect === "anthropic-messages" && status === STOPS ? STOPS_ANTHROPIC : status;
  const reply = errorReply(dialect, { status: shown, code, message, retryable: retryAfterSeconds !== undefined, ...(param && { param }) });
  const retry: Record<string, string> = retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
  return { ...reply, headers: { ...reply.headers, ...headers, ...retry } };
}

export function describeBudget({ scope, id, period }: Claim): string {
  const whose = scope === "global" ? "the global budget" : `the budget of ${scope} ${plainId(id)}`;
  return period === "none" ? whose : `${whose} for ${period}`;
}

/** Enough digits that a small amount is not shown as nothing. */
export function usd(nanousd: number): string {
  const amount = nanousd / 1e9;
  return `$${amount >= 1 || amount === 0 ? amount.toFixed(2) : amount.toPrecision(3)}`;
}
