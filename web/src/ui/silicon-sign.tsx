import { HostileText } from "./hostile-text.tsx";
import { type SiliconLook, siliconLook } from "./silicon.ts";

const OUTLINES: Record<SiliconLook["shape"], string> = {
  square: "M2 2h8v8H2z",
  diamond: "M6 .8 11.2 6 6 11.2.8 6z",
  hexagon: "M3.2 1.2h5.6L11.6 6 8.8 10.8H3.2L.4 6z",
  circle: "M6 1a5 5 0 1 1 0 10A5 5 0 0 1 6 1z",
  dashed: "M2 2h8v8H2z",
};

/** A shape and a colour for a kind of silicon; the name stands beside it or in its title. */
export function SiliconSign({ silicon, size = 10, title = true }: { silicon: string | null | undefined; size?: number; title?: boolean }) {
  const look = siliconLook(silicon);
  const isOutline = look.shape === "dashed";
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 12 12"
      className="shrink-0"
      role={title ? "img" : undefined}
      aria-label={title ? look.label : undefined}
      aria-hidden={!title}
    >
      <path
        d={OUTLINES[look.shape]}
        fill={isOutline ? "none" : look.color}
        stroke={isOutline ? look.color : "none"}
        strokeWidth={1.5}
        strokeDasharray={isOutline ? "2 1.5" : undefined}
      />
    </svg>
  );
}

/** Sign and name of the silicon, or of the pool on it. */
export function SiliconName({ silicon, name }: { silicon: string | null | undefined; name?: string | null | undefined }) {
  return (
    <span className="inline-flex min-w-0 items-center gap-1.5">
      <SiliconSign silicon={silicon} title={Boolean(name)} />
      <span className="truncate">
        <HostileText text={name || siliconLook(silicon).label} />
      </span>
    </span>
  );
}
