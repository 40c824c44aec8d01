/** `PUT /control/budgets/{scope}` and `GET /control/budgets`. */

import { storableText } from "@signalbox/otel/conventions";
import { nanousdToUsd, usdToNanousd } from "@signalbox/otel/prices";
import { z } from "zod";
import type { BudgetAdmin } from "../admission/budgets/admin.ts";
import { type BudgetScope, EVERY_ID, GLOBAL_ID } from "../admission/budgets/budget.ts";
import { BUDGET_PERIODS, BUDGET_SCOPES, budgetLadder, MAX_BUDGET_USD } from "../config/schema.ts";
import { HttpError } from "../http/errors.ts";
import { sendJson } from "../http/send.ts";
import { readJson, readLimit } from "./json-body.ts";
import type { ControlRequest } from "./request.ts";

const body = z.strictObject({
  limit_usd: z.number().positive().max(MAX_BUDGET_USD),
  ladder: budgetLadder.default([{ at: 1, do: "pause" }]),
  period: z.enum(BUDGET_PERIODS).default("none"),
  /** Default: every id of the scope, each for itself. */
  id: z.string().min(1).max(256).transform(storableText).optional(),
});
const MAX_PAGE = 500;

export async function putBudget(budgets: BudgetAdmin, { request, response, parts }: ControlRequest): Promise<void> {
  const scope = readScope(parts[0] ?? "");
  const { limit_usd, ladder, period, id } = await readJson(request, body);
  if (scope === "global" && id !== undefined && id !== GLOBAL_ID) {
    throw new HttpError(400, "invalid_body", "scope global has no ids", { param: "id" });
  }
  const budget = { scope, id: scope === "global" ? GLOBAL_ID : (id ?? EVERY_ID), period, limitNanousd: usdToNanousd(limit_usd), ladder };
  await budgets.put(budget);
  sendJson(response, 200, {
    scope,
    id: budget.id,
    period,
    limit_usd: nanousdToUsd(budget.limitNanousd),
    limit_nanousd: String(budget.limitNanousd),
    ladder,
  });
}

/** Usage, a page at a time, and the budgets that are in force. */
export async function listBudgets(budgets: BudgetAdmin, { response, query }: ControlRequest): Promise<void> {
  const scope = query.get("scope");
  const page = await budgets.list({
    scope: scope === null ? undefined : readScope(scope),
    after: readCursor(query.get("cursor")),
    limit: readLimit(query, MAX_PAGE),
  });
  const next = page.next === null ? null : Buffer.from(page.next).toString("base64url");
  sendJson(response, 200, { ...page, next, budgets: budgets.definitions() });
}

function readScope(text: string): BudgetScope {
  const scope = BUDGET_SCOPES.find((known) => known === text);
  if (scope) return scope;
  throw new HttpError(400, "invalid_scope", `the scope is "${text}"; expected one of ${BUDGET_SCOPES.join(", ")}`, { param: "scope" });
}

const cursor = z.tuple([z.string(), z.string(), z.string()]);

function readCursor(text: string | null): string | undefined {
  if (text === null) return undefined;
  try {
    return JSON.stringify(cursor.parse(JSON.parse(Buffer.from(text, "base64url").toString())));
  } catch {
    throw new HttpError(400, "invalid_cursor", "the cursor is not one that this list gave", { param: "cursor" });
  }
}
