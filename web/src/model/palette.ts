/** One thing that the palette can do. */
export interface PaletteEntry {
  id: string;
  group: "Pages" | "Views" | "Sessions" | "Actions";
  label: string;
  detail?: string;
}

/** Entries whose words begin with what was typed come first, then those that hold it; all where nothing was typed. */
export function matchEntries<T extends PaletteEntry>(entries: readonly T[], typed: string): T[] {
  const words = typed.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const scored = entries.flatMap((entry) => {
    const text = `${entry.label} ${entry.detail ?? ""}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) return [];
    return [{ entry, score: words.every((word) => text.split(/[\s:/-]+/).some((part) => part.startsWith(word))) ? 0 : 1 }];
  });
  return scored.sort((left, right) => left.score - right.score).map(({ entry }) => entry);
}
