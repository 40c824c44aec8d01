import Link from "next/link";
import type { MemoryFile, MemoryFileKey } from "../../api/memory.ts";
import { plural } from "../../model/numbers.ts";
import { classNames } from "../../ui/class-names.ts";
import { Ago } from "../../ui/time.tsx";
import { FileName } from "./file-name.tsx";

export function FileList({
  files,
  open,
  isAsked,
  address,
}: {
  files: readonly MemoryFile[];
  open: MemoryFileKey | null;
  /** False: it is shown beside the list, where there is room, though nobody asked for it. */
  isAsked: boolean;
  address: (file: MemoryFileKey) => string;
}) {
  const isOpen = (file: MemoryFile) => file.path === open?.path && file.owner === open.owner && file.project === open.project;
  return (
    <ul aria-label="memory files">
      {files.map((file) => (
        <li key={`${file.project} ${file.owner} ${file.path}`} data-row className="border-line border-b last:border-b-0">
          <Link
            href={address(file)}
            prefetch={false}
            scroll={false}
            aria-current={isOpen(file) ? "true" : undefined}
            className={classNames(
              "flex flex-col gap-1 px-4 py-2.5 outline-offset-[-2px] hover:bg-hover",
              isAsked ? "aria-[current=true]:bg-selected" : "lg:aria-[current=true]:bg-selected",
            )}
          >
            <FileName path={file.path} owner={file.owner} />
            <span className="tabular flex flex-wrap justify-between gap-x-3 text-ink-2 text-sm">
              <span>
                {plural(file.writes, "write")}, {plural(file.reads, "read")}
                {file.sessions > 1 && ` by ${plural(file.sessions, "session")}`}
              </span>
              <Ago time={file.last_time} />
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
