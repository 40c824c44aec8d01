"use client";
import type { Session } from "../api/session.ts";
import { sessionState } from "../model/time.ts";
import { useNow } from "../ui/time.tsx";

/** Active sessions breathe. The state ages with the page's clock, also when nothing arrives. */
export function StateMark({ session }: { session: Session }) {
  const isActive = sessionState(session.last_time, useNow()) === "active";
  if (!isActive) return <span className="text-ink-3">idle</span>;
  return (
    <span className="inline-flex items-center gap-1.5 text-good">
      <span className="size-1.5 animate-[breathe_1.6s_ease-in-out_infinite] rounded-full bg-good" aria-hidden />
      active
    </span>
  );
}
