import { describe, expect, it } from "vitest";
import { isBearer, isLoginCookie, isSameOrigin, LOGIN_SECONDS, makeLoginCookie } from "./auth.ts";

const NOW = 1_800_000_000_000;

describe("login cookie", () => {
  const cookie = makeLoginCookie(NOW, "secret");
  it("holds for thirty days", () => {
    expect(isLoginCookie(cookie, NOW, "secret")).toBe(true);
    expect(isLoginCookie(cookie, NOW + (LOGIN_SECONDS - 1) * 1000, "secret")).toBe(true);
    expect(isLoginCookie(cookie, NOW + (LOGIN_SECONDS + 1) * 1000, "secret")).toBe(false);
  });
  it("is worth nothing under another token, changed, or without a token at all", () => {
    expect(isLoginCookie(cookie, NOW, "other")).toBe(false);
    expect(isLoginCookie(`9${cookie}`, NOW, "secret")).toBe(false);
    expect(isLoginCookie(makeLoginCookie(NOW, ""), NOW, "")).toBe(false);
    for (const value of [undefined, "", ".", "a.b", "9999999999999."]) expect(isLoginCookie(value, NOW, "secret")).toBe(false);
  });
});

it("takes the bearer token and nothing like it", () => {
  expect(isBearer("Bearer secret", "secret")).toBe(true);
  expect(isBearer("bearer secret", "secret")).toBe(true);
  for (const header of [null, "", "Bearer", "Bearer ", "Bearer secre", "Basic secret", "Bearer secret extra"])
    expect(isBearer(header, "secret")).toBe(false);
  expect(isBearer("Bearer ", "")).toBe(false);
});

describe("same origin", () => {
  const from = (headers: Record<string, string>) => isSameOrigin(new Headers({ host: "127.0.0.1:4321", ...headers }));
  it("is our own page, or a program with a token", () => {
    expect(from({ "sec-fetch-site": "same-origin" })).toBe(true);
    expect(from({ origin: "http://127.0.0.1:4321" })).toBe(true);
    expect(from({ authorization: "Bearer x" })).toBe(true);
  });
  it("is not another site, another port, or nobody", () => {
    for (const headers of [
      {},
      { origin: "http://evil.example" },
      { origin: "http://127.0.0.1:8080" },
      { origin: "null" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "cross-site", origin: "http://127.0.0.1:4321" },
    ]) {
      expect(from(headers as Record<string, string>)).toBe(false);
    }
  });
});
