import { splitPath } from "../../model/memory.ts";
import { HostileText } from "../../ui/hostile-text.tsx";

/** A path with its last part in front: that is how people know a file. */
export function FileName({ path, owner }: { path: string; owner: string }) {
  const { folder, name } = splitPath(path);
  return (
    <span className="block min-w-0" title={path}>
      <span className="block truncate font-medium">
        <HostileText text={name} />
      </span>
      <span className="block truncate text-ink-3 text-xs">
        <bdi className="font-mono">
          <HostileText text={folder} />
        </bdi>
        {owner !== "" && (
          <>
            {folder && " · "}workspace of <HostileText text={owner} />
          </>
        )}
      </span>
    </span>
  );
}
