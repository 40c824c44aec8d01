import type { ReactNode } from "react";
import { classNames } from "./class-names.ts";

/** A filter that is on or off. */
export const Toggle = ({ on, onChange, children }: { on: boolean; onChange: (on: boolean) => void; children: ReactNode }) => (
  <button
    type="button"
    aria-pressed={on}
    onClick={() => onChange(!on)}
    className={classNames(
      "inline-flex h-8 items-center gap-1.5 rounded-md border px-2.5 text-sm",
      on ? "border-line-strong bg-selected font-medium text-ink" : "border-line bg-surface text-ink-2 hover:text-ink",
    )}
  >
    {children}
  </button>
);
