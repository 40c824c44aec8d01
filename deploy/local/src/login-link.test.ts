import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { LOGIN_LINK_LIFETIME_MS, mintLoginLink } from "./login-link.ts";
import { statePaths } from "./state-folder.ts";

it("stores the hash of the token alone, and drops links that are too old", () => {
  const home = mkdtempSync(join(tmpdir(), "signalbox-login-"));
  const paths = statePaths(home);
  try {
    const link = new URL(mintLoginLink(paths, "http://127.0.0.1:4321"));
    const token = link.searchParams.get("token") ?? "";
    expect(link.pathname).toBe("/login");
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    const [name = ""] = readdirSync(paths.loginTokens);
    expect(name).toBe(createHash("sha256").update(token).digest("hex"));
    expect(statSync(paths.loginTokens).mode & 0o777).toBe(0o700);

    const old = new Date(Date.now() - LOGIN_LINK_LIFETIME_MS - 1000);
    utimesSync(join(paths.loginTokens, name), old, old);
    mintLoginLink(paths, "http://127.0.0.1:4321");
    expect(readdirSync(paths.loginTokens)).toHaveLength(1);
    expect(readdirSync(paths.loginTokens)).not.toContain(name);
  } finally {
    rmSync(home, { recursive: true });
  }
});
