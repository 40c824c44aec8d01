"use client";
import { ToggleGroup } from "radix-ui";
import { useChosenInSight } from "./use-chosen-in-sight.ts";

/** A choice among few, all of them in sight. */
export function Segmented<T extends string>({
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
  const row = useChosenInSight(value);
  return (
    <ToggleGroup.Root
      ref={row}
      type="single"
      aria-label={label}
      value={value}
      onValueChange={(next) => next && onChange(next as T)}
      className="inline-flex max-w-full scroll-x rounded-md border border-line bg-surface p-0.5"
    >
      {options.map((option) => (
        <ToggleGroup.Item
          key={option.value}
          value={option.value}
          className="h-7 whitespace-nowrap rounded-sm px-2.5 text-ink-2 text-sm hover:text-ink data-[state=on]:bg-selected data-[state=on]:font-medium data-[state=on]:text-ink"
        >
          {option.label}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
