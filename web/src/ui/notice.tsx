import { CircleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { HostileText } from "./hostile-text.tsx";

/** Nothing here yet: says why, and the command that changes it. */
export function EmptyState({ title, children, commands = [] }: { title: string; children?: ReactNode; commands?: readonly string[] }) {
  return (
    <div className="flex flex-col items-center px-6 py-12 text-center">
      <p className="font-medium text-lg">{title}</p>
      {children && <div className="mt-1 max-w-md text-ink-2">{children}</div>}
      {commands.length > 0 && (
        <div className="mt-5 flex w-full max-w-md flex-col gap-2">
          {commands.map((command) => (
            <code key={command} className="select-all rounded-md border border-line bg-sunken px-3 py-2 text-left font-mono text-sm">
              <span className="select-none text-ink-3">$ </span>
              {command}
            </code>
          ))}
        </div>
      )}
    </div>
  );
}

/** Something is wrong: what, and what happens next. */
export function ErrorState({ title, detail }: { title: string; detail: string }) {
  return (
    <div role="alert" data-notice className="flex items-start gap-2.5 px-4 py-4">
      <CircleAlert size={16} className="mt-0.5 shrink-0 text-bad" aria-hidden />
      <p className="min-w-0 break-words">
        <span className="font-medium">{title}.</span>{" "}
        <span className="text-ink-2">
          <HostileText text={detail} />
        </span>
      </p>
    </div>
  );
}
