"use client";
import { Ready } from "../../src/components/ready.tsx";
import { EmptyState } from "../../src/ui/notice.tsx";

/** A mistake of ours: the rest of the frame keeps working. */
export default function PageError({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <EmptyState title="This page failed">
      <p>
        {error.message} {error.digest && <span className="font-mono text-ink-3 text-sm">({error.digest})</span>}
      </p>
      <button type="button" onClick={reset} className="mt-4 h-8 rounded-md border border-line-strong px-3 text-ink">
        Try again
      </button>
      <Ready />
    </EmptyState>
  );
}
