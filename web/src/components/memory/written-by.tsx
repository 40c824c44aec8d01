import Link from "next/link";
import type { MemoryAccess } from "../../api/memory.ts";
import { paths } from "../../paths.ts";
import { Ago } from "../../ui/time.tsx";

/** Of a read: the write that put there what was read. */
export function WrittenBy({ access: { written_by: writer, session_id: session, ...file } }: { access: MemoryAccess }) {
  if (writer === null) return <span className="text-ink-3">no write of it was seen before</span>;
  return (
    <Link href={paths.memory({ file, at: writer.span_id })} prefetch={false} className="underline-offset-2 hover:underline">
      last written {writer.session_id === session ? "by this session" : "by another session"}, <Ago time={writer.time} />
    </Link>
  );
}
