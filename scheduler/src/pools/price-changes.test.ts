import { expect, test } from "vitest";
import type { Pricing } from "../placement/candidate.ts";
import { createPriceNow } from "./price-changes.ts";

const hourly: Pricing = { by: "time", hourlyUsd: 2 };
const night = { days: undefined, from: "22:00", to: "06:00", timezone: "Europe/Berlin" };
const usd = (pricing: Pricing) => (pricing.by === "time" ? pricing.hourlyUsd : undefined);

test("a window of the day in its own zone, over midnight; the first that holds counts", () => {
  const price = createPriceNow(
    () => hourly,
    [
      { when: { time: night }, multiply: 0.5 },
      { when: { utilisation_above: 0.75 }, multiply: 3 },
    ],
  );
  const at = (time: string, utilisation = 0) => usd(price(Date.parse(time), utilisation));
  // 21:30 UTC is 22:30 in Berlin in winter and 23:30 in summer.
  expect([at("2026-01-10T20:30Z"), at("2026-01-10T21:30Z"), at("2026-07-10T20:30Z"), at("2026-07-10T04:30Z")]).toEqual([2, 1, 1, 2]);
  expect([at("2026-01-10T12:00Z", 0.75), at("2026-01-10T12:00Z", 0.8), at("2026-01-10T23:00Z", 0.8)]).toEqual([2, 6, 1]);
});

test("all parts of a token price change alike; one that nobody knows stays unknown", () => {
  const price = { input: 1, output: 4, cacheRead: 0.1, long: { above: 200_000, input: 2, output: 6 } };
  const half = [{ when: {}, multiply: 0.5 }];
  expect(createPriceNow(() => ({ by: "tokens", price }), half)(0, 0)).toEqual({
    by: "tokens",
    price: { input: 0.5, output: 2, cacheRead: 0.05, long: { above: 200_000, input: 1, output: 3 } },
  });
  expect(createPriceNow(() => ({ by: "unknown" }), half)(0, 0)).toEqual({ by: "unknown" });
});
