"use client";
import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { HostileText } from "./hostile-text.tsx";

/** An id in full on hover, copied by a click. */
export function CopyText({ text, label, className = "" }: { text: string; label: string; className?: string }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = () =>
    navigator.clipboard?.writeText(text).then(
      () => setCopied(true),
      () => {},
    );
  const Icon = isCopied ? Check : Copy;
  return (
    <button
      type="button"
      onClick={copy}
      title={text}
      aria-label={`copy ${label} ${text}`}
      className={`group inline-flex min-w-0 max-w-full items-center gap-1.5 rounded-sm text-left font-mono text-ink-2 text-sm hover:text-ink ${className}`}
    >
      <span className="truncate">
        <HostileText text={text} />
      </span>
      <Icon size={12} className="shrink-0 opacity-60 group-hover:opacity-100" aria-hidden />
    </button>
  );
}
