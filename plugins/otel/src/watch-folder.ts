/** Hears of files that change in a folder: editors put a new file in the place of the old one, which a watch of the file would miss. */

import { type FSWatcher, watch } from "node:fs";

/** Editors write in several steps. */
const SETTLE_MS = 200;

export interface FolderWatch {
  folder: string;
  /** What was changed, where the system says so. */
  isMeant: (name: string) => boolean;
  /** Called when the changes have settled. */
  onChange: () => void;
  /** The system cannot tell of changes, or no more. */
  onUnwatched: (error: Error) => void;
}

/** @returns how to stop */
export function watchFolder({ folder, isMeant, onChange, onUnwatched }: FolderWatch): () => void {
  let timer: NodeJS.Timeout | undefined;
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(folder).on("error", onUnwatched);
  } catch (error) {
    onUnwatched(error as Error);
  }
  watcher?.on("change", (_event, name) => {
    if (name !== null && !isMeant(String(name))) return;
    clearTimeout(timer);
    timer = setTimeout(onChange, SETTLE_MS);
  });
  return () => {
    clearTimeout(timer);
    watcher?.close();
  };
}
