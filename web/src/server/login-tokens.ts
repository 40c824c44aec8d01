import { createHash } from "node:crypto";
import { stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { environment } from "./environment.ts";

const LIFETIME_MS = 24 * 3600 * 1000;

/**
 * Redeems a one-time login token. The launcher left an empty file named by the token's SHA-256; unlinking it is atomic, so of
 * two requests with one token exactly one wins.
 */
export async function redeemLoginToken(token: string, now = Date.now(), home = environment.home()): Promise<"ok" | "used" | "expired"> {
  if (!/^[0-9a-f]{64}$/.test(token)) return "used";
  const file = join(home, "login-tokens", createHash("sha256").update(token).digest("hex"));
  try {
    const { mtimeMs } = await stat(file);
    await unlink(file);
    return now - mtimeMs > LIFETIME_MS ? "expired" : "ok";
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "used";
    throw error;
  }
}
