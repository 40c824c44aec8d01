import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StatePaths } from "./state-folder.ts";

/** The dashboard refuses links older than this. */
export const LOGIN_LINK_LIFETIME_MS = 24 * 60 * 60 * 1000;

/**
 * Makes a link that logs one browser in, once. The dashboard redeems it by removing the empty file named after the
 * token's SHA-256, so that the token itself is stored nowhere.
 */
export function mintLoginLink(paths: StatePaths, webAddress: string): string {
  mkdirSync(paths.loginTokens, { recursive: true, mode: 0o700 });
  removeExpired(paths.loginTokens);
  const token = randomBytes(32).toString("hex");
  writeFileSync(join(paths.loginTokens, createHash("sha256").update(token).digest("hex")), "", { mode: 0o600, flag: "wx" });
  const link = new URL("/login", webAddress);
  link.searchParams.set("token", token);
  return link.href;
}

function removeExpired(folder: string): void {
  const oldest = Date.now() - LOGIN_LINK_LIFETIME_MS;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    // It may be redeemed between the listing and here.
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat && stat.mtimeMs < oldest) rmSync(path, { force: true });
  }
}
