"use client";
import { useState } from "react";
import { type DiffLine, diffLines } from "../model/memory.ts";
import { classNames } from "./class-names.ts";
import { HostileText } from "./hostile-text.tsx";

const LOOK = {
  removed: { sign: "−", says: "removed", line: "bg-bad-soft", mark: "text-bad" },
  added: { sign: "+", says: "added", line: "bg-good-soft", mark: "text-good" },
  other: { sign: "", says: "", line: "", mark: "" },
} as const;
/** Shown before "Show all": a memory file can be thousands of lines. */
const FIRST_LINES = 24;

/** What was taken out and what was put in. Text is hostile: shown as text. */
export function Diff({ diff }: { diff: string }) {
  const [isWhole, setWhole] = useState(false);
  const lines = diffLines(diff);
  const shown = isWhole ? lines : lines.slice(0, FIRST_LINES);
  return (
    <div className="overflow-hidden rounded-md border border-line bg-sunken font-mono text-xs leading-[18px]">
      {shown.map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name, and never move
        <Line key={index} line={line} />
      ))}
      {lines.length > shown.length && (
        <button
          type="button"
          onClick={() => setWhole(true)}
          className="h-7 w-full border-line border-t font-sans text-ink-2 text-sm hover:bg-hover hover:text-ink"
        >
          Show all {lines.length} lines
        </button>
      )}
    </div>
  );
}

function Line({ line: { kind, text } }: { line: DiffLine }) {
  const { sign, says, line, mark } = LOOK[kind];
  return (
    <div className={classNames("flex px-2", line)}>
      <span className={classNames("w-4 shrink-0 select-none", mark)} aria-hidden>
        {sign}
      </span>
      {says && <span className="sr-only">{says}: </span>}
      <span className="min-w-0 flex-1 whitespace-pre-wrap break-words">
        <HostileText text={text} />
      </span>
    </div>
  );
}
