import { ChevronRight } from "lucide-react";
import Link from "next/link";
import { paths } from "../../paths.ts";
import { HostileText } from "../../ui/hostile-text.tsx";

/** Where one is: a session, among all sessions. */
export function SessionCrumbs({ name }: { name: string }) {
  return (
    <nav aria-label="where you are" className="flex min-w-0 items-center gap-1 text-ink-2 text-sm">
      <Link prefetch={false} href={paths.sessions()} className="hover:text-ink hover:underline">
        Sessions
      </Link>
      <ChevronRight size={13} aria-hidden />
      <span className="min-w-0 truncate">
        <HostileText text={name} />
      </span>
    </nav>
  );
}
