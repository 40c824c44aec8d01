"use client";
import { ChevronDown } from "lucide-react";

/** A word of a sentence that can be another. The browser's own list: keys, screen readers and phones know it. */
export function Choice<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
}) {
  const [only] = options;
  if (options.length === 1 && only) return <span className="font-medium">{only.label}</span>;
  return (
    <span className="relative inline-flex w-fit max-w-full">
      <select
        aria-label={label}
        value={value}
        onChange={(event) => onChange(event.target.value as T)}
        className="h-8 max-w-full appearance-none truncate sm:max-w-80 rounded-md border border-line-strong bg-surface pr-7 pl-2.5 font-medium text-base"
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      <ChevronDown size={13} className="pointer-events-none absolute top-2.5 right-2 text-ink-3" aria-hidden />
    </span>
  );
}
