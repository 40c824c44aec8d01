import Link from "next/link";
import { paths } from "../../../../src/paths.ts";
import { EmptyState } from "../../../../src/ui/notice.tsx";

export default function SessionNotFound() {
  return (
    <EmptyState title="There is no such session">
      It may not have arrived yet.{" "}
      <Link href={paths.sessions()} className="underline underline-offset-2">
        Look among all sessions
      </Link>
    </EmptyState>
  );
}
