import type { ReactNode } from "react";
import { classNames } from "./class-names.ts";

/** A titled box. `flush` leaves the padding to what is inside (tables, lists). */
export function Panel({
  title,
  aside,
  flush = false,
  className,
  children,
}: {
  title: string;
  aside?: ReactNode;
  flush?: boolean;
  className?: string;
  children: ReactNode;
}) {
  return (
    <section aria-label={title} className={classNames("flex min-w-0 flex-col rounded-lg border border-line bg-surface", className)}>
      <header className="flex min-h-11 flex-wrap items-center justify-between gap-x-3 px-4 py-1">
        <h2 className="py-2 font-medium text-ink">{title}</h2>
        {aside && <div className="flex flex-wrap items-center gap-2 py-0.5 text-ink-2 text-sm">{aside}</div>}
      </header>
      <div className={flush ? "min-w-0 flex-1" : "min-w-0 flex-1 px-4 pt-1 pb-4 has-[>[data-notice]]:p-0"}>{children}</div>
    </section>
  );
}
