import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { redeemLoginToken } from "./login-tokens.ts";

const TOKEN = "ab".repeat(32);
let home: string;
let file: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "signalbox-login-"));
  mkdirSync(join(home, "login-tokens"));
  file = join(home, "login-tokens", createHash("sha256").update(TOKEN).digest("hex"));
  writeFileSync(file, "");
});

afterEach(() => rmSync(home, { recursive: true }));

it("is good once, also when ten try at once", async () => {
  const outcomes = await Promise.all(Array.from({ length: 10 }, () => redeemLoginToken(TOKEN, Date.now(), home)));
  expect(outcomes.filter((outcome) => outcome === "ok")).toHaveLength(1);
  expect(await redeemLoginToken(TOKEN, Date.now(), home)).toBe("used");
});

it("is not good after a day", async () => {
  const old = Date.now() / 1000 - 25 * 3600;
  utimesSync(file, old, old);
  expect(await redeemLoginToken(TOKEN, Date.now(), home)).toBe("expired");
});

it("never leaves the folder", async () => {
  for (const token of ["", "../../etc/passwd", "zz".repeat(32), TOKEN.toUpperCase()])
    expect(await redeemLoginToken(token, Date.now(), home)).toBe("used");
});
