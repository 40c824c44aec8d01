/** `POST /control/pools/{name}/drain|resume`. */

import { z } from "zod";
import { HttpError } from "../http/errors.ts";
import { sendJson } from "../http/send.ts";
import { drainPool, resumePool } from "../pools/drain.ts";
import type { Pool } from "../pools/pool.ts";
import { readJson } from "./json-body.ts";
import type { ControlRequest } from "./request.ts";

const body = z.strictObject({
  /** How long to wait for calls that run. */
  wait_ms: z.int().min(0).max(600_000).default(30_000),
});

export async function changePool(pools: readonly Pool[], { request, response, parts }: ControlRequest): Promise<void> {
  const [name, verb] = parts;
  const pool = pools.find((one) => one.name === name);
  if (!pool) throw new HttpError(404, "unknown_pool", `there is no pool "${name}"; there are: ${pools.map((one) => one.name).join(", ")}`);
  const { wait_ms } = await readJson(request, body);
  sendJson(response, 200, verb === "drain" ? await drainPool(pool, wait_ms) : resumePool(pool));
}
