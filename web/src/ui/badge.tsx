import type { ReactNode } from "react";
import { classNames } from "./class-names.ts";
import { HostileText } from "./hostile-text.tsx";

const TONES = {
  plain: "border-line text-ink-2",
  bad: "border-transparent bg-bad-soft text-bad",
  warn: "border-transparent bg-warn-soft text-warn",
  good: "border-transparent bg-good-soft text-good",
};

export const Badge = ({ tone = "plain", children, title }: { tone?: keyof typeof TONES; children: ReactNode; title?: string }) => (
  <span
    title={title}
    className={classNames(
      "inline-flex h-5 max-w-full items-center gap-1 overflow-hidden whitespace-nowrap rounded-sm border px-1.5 text-xs",
      TONES[tone],
    )}
  >
    {typeof children === "string" ? (
      <span className="truncate">
        <HostileText text={children} />
      </span>
    ) : (
      children
    )}
  </span>
);
