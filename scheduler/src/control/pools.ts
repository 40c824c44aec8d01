/** `POST /control/pools/{name}/drain|resume|forget`. */

import { z } from "zod";
import { HttpError } from "../http/errors.ts";
import { sendJson } from "../http/send.ts";
import type { Keeper } from "../learned/keeper.ts";
import { drainPool, resumePool } from "../pools/drain.ts";
import type { Pool } from "../pools/pool.ts";
import { readJson } from "./json-body.ts";
import type { ControlRequest } from "./request.ts";

const body = z.strictObject({
  /** How long to wait for calls that run. */
  wait_ms: z.int().min(0).max(600_000).default(30_000),
});

export async function changePool(
  pools: readonly Pool[],
  keeper: Pick<Keeper, "forget">,
  { request, response, parts }: ControlRequest,
): Promise<void> {
  const [name, verb] = parts;
  const pool = pools.find((one) => one.name === name);
  if (!pool) throw new HttpError(404, "unknown_pool", `there is no pool "${name}"; there are: ${pools.map((one) => one.name).join(", ")}`);
  if (verb === "forget") {
    await keeper.forget(pool);
    return sendJson(response, 200, { pool: pool.name, learned: null });
  }
  const { wait_ms } = await readJson(request, body);
  sendJson(response, 200, verb === "drain" ? await drainPool(pool, wait_ms) : resumePool(pool));
}
