import { hash } from "node:crypto";
import { expect, it } from "vitest";
import { RecentHashes } from "./recent-hashes.ts";

const hashes = Array.from({ length: 10_000 }, (_, index) => hash("sha256", String(index), "binary"));

it("knows what came before, but for the few that another took the place of", () => {
  const recent = new RecentHashes();
  expect(hashes.filter((one) => !recent.isNew(one))).toEqual([]);
  const forgotten = hashes.filter((one) => recent.isNew(one));
  // of 10,000 in a million places, about 48 pairs share one; each of a pair forgets the other
  expect(forgotten.length).toBeLessThan(200);
});
