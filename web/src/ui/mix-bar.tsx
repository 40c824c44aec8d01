import { siliconLook } from "./silicon.ts";

export interface MixPart {
  key: string;
  silicon: string | null;
  /** What the width stands for; parts of 0 are left out. */
  value: number;
  label: string;
}

/** Parts of a whole as one thin bar, coloured by silicon, said in words to those who do not see it. */
export function MixBar({ parts, width = "100%", height = 6 }: { parts: readonly MixPart[]; width?: number | string; height?: number }) {
  const shown = parts.filter((part) => part.value > 0);
  const total = shown.reduce((sum, part) => sum + part.value, 0);
  const words = shown.map((part) => `${part.label} ${Math.round((part.value / total) * 100)} %`).join(", ");
  return (
    <span
      className="flex gap-px overflow-hidden rounded-full bg-sunken"
      style={{ width, height }}
      role="img"
      aria-label={words || "no calls"}
      title={words}
    >
      {shown.map((part) => (
        <span
          key={part.key}
          style={{ width: `${(part.value / total) * 100}%`, background: siliconLook(part.silicon).color, minWidth: 2 }}
        />
      ))}
    </span>
  );
}
