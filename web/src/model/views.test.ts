import { expect, it } from "vitest";
import { viewAddress } from "./views.ts";

it.each([
  ["/sessions", "show=errors&q=a%20b", "/sessions?show=errors&q=a+b"],
  ["/tokens", "", "/tokens"],
  ["//evil.example", "", "/evil.example"],
  ["/\\evil.example", "x#y", "/evil.example?x%23y="],
])("%s and %s lead to %s", (page, query, address) => expect(viewAddress({ page, query })).toBe(address));
