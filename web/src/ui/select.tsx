"use client";
import { ChevronDown } from "lucide-react";
import { seenText } from "../model/hostile-text.ts";
import { classNames } from "./class-names.ts";

/** A choice among many, or none. The browser's own list: keys, screen readers and phones know it. */
export function Select({
  label,
  value,
  options,
  format = (option) => option,
  onChange,
}: {
  label: string;
  value: string | null;
  options: readonly string[];
  format?: (option: string) => string;
  onChange: (value: string | null) => void;
}) {
  // what the address names may be gone from the list: it is still what is shown
  const all = value !== null && !options.includes(value) ? [value, ...options] : options;
  return (
    <span className="relative inline-flex max-w-44">
      <select
        aria-label={label}
        value={value ?? ""}
        onChange={(event) => onChange(event.target.value || null)}
        className={classNames(
          "h-8 w-full appearance-none truncate rounded-md border bg-surface pr-7 pl-2.5 text-sm",
          value === null ? "border-line text-ink-2" : "border-line-strong font-medium text-ink",
        )}
      >
        <option value="">{label}</option>
        {all.map((option) => (
          <option key={option} value={option}>
            {seenText(format(option))}
          </option>
        ))}
      </select>
      <ChevronDown size={13} className="pointer-events-none absolute top-2.5 right-2 text-ink-3" aria-hidden />
    </span>
  );
}
