import type { ReactNode } from "react";
import { classNames } from "./class-names.ts";

const TONES = {
  plain: "border-line text-ink-2",
  bad: "border-transparent bg-bad-soft text-bad",
  warn: "border-transparent bg-warn-soft text-warn",
  good: "border-transparent bg-good-soft text-good",
};

export const Badge = ({ tone = "plain", children, title }: { tone?: keyof typeof TONES; children: ReactNode; title?: string }) => (
  <span
    title={title}
    className={classNames("inline-flex h-5 items-center gap-1 whitespace-nowrap rounded-sm border px-1.5 text-xs", TONES[tone])}
  >
    {children}
  </span>
);
