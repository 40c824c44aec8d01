"use client";
import { classNames } from "../ui/class-names.ts";
import { type LiveStatus, useLiveStatus } from "./live.tsx";

const LOOKS: Record<LiveStatus, { text: string; title: string; lamp: string }> = {
  live: { text: "Live", title: "New spans appear by themselves", lamp: "bg-good" },
  connecting: {
    text: "Connecting",
    title: "Waiting for the dashboard's server",
    lamp: "bg-line-strong animate-[breathe_1.6s_ease-in-out_infinite]",
  },
  paused: { text: "Paused", title: "Resumes when this tab is visible", lamp: "bg-line-strong" },
  "database-down": { text: "No database", title: "Postgres is not reachable; trying again", lamp: "bg-bad" },
};

export function LiveLamp() {
  const look = LOOKS[useLiveStatus()];
  return (
    <output aria-live="polite" title={look.title} className="flex items-center gap-2 text-ink-2 text-sm">
      <span className={classNames("size-2 rounded-full", look.lamp)} />
      {look.text}
    </output>
  );
}
