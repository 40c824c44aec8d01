"use client";
import { useQueries } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { stepContentQuery } from "../../../api/step-content.ts";
import type { Replay } from "../../../model/replay.ts";
import { previewOf } from "../../../model/step-content.ts";

/** Steps whose words are read together. */
const BLOCK = 25;
const CHARACTERS = 200;
/** While rows rush by nothing is read. */
const SETTLE_MS = 120;

/** A line of what was said, by span id, for the steps in sight and those beside them. */
export function usePreviews(id: string, replay: Replay, first: number, last: number): ReadonlyMap<string, string> {
  const [blocks, setBlocks] = useState<readonly number[]>([]);
  const from = Math.floor(first / BLOCK);
  const to = Math.floor(last / BLOCK);
  useEffect(() => {
    const timer = setTimeout(() => setBlocks(Array.from({ length: to - from + 1 }, (_, index) => from + index)), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [from, to]);
  const contents = useQueries({
    queries: blocks.map((block) =>
      stepContentQuery(
        id,
        replay.steps.slice(block * BLOCK, (block + 1) * BLOCK).map(({ step }) => step),
        CHARACTERS,
      ),
    ),
    combine: (results) => results.map((result) => result.data),
  });
  return useMemo(
    () => new Map(contents.flatMap((steps) => (steps ?? []).map((step) => [step.span_id, previewOf(step)] as const))),
    [contents],
  );
}
