import type { ReactNode } from "react";

/** One number that matters, with what it means below it. */
export function Stat({ label, value, note, children }: { label: string; value: ReactNode; note?: ReactNode; children?: ReactNode }) {
  return (
    <div role="group" aria-label={label} className="flex min-w-0 flex-col rounded-lg border border-line bg-surface px-4 py-3.5">
      <div className="label">{label}</div>
      <div className="tabular mt-1 truncate font-medium text-2xl tracking-tight">{value}</div>
      <div className="mt-1 line-clamp-2 min-h-[18px] break-words text-ink-2 text-sm">{note}</div>
      {children && <div className="mt-3">{children}</div>}
    </div>
  );
}

/** A small number in a row of several. */
export function Figure({ label, value, note }: { label: string; value: ReactNode; note?: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="label whitespace-nowrap">{label}</dt>
      <dd className="tabular mt-0.5 truncate font-medium text-lg">{value}</dd>
      {note && <dd className="truncate text-ink-2 text-xs">{note}</dd>}
    </div>
  );
}
