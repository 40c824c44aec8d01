import Link from "next/link";
import { Frame } from "../../../../src/components/frame.tsx";
import { Ready } from "../../../../src/components/ready.tsx";
import { paths } from "../../../../src/paths.ts";
import { EmptyState } from "../../../../src/ui/notice.tsx";

export default function SessionNotFound() {
  return (
    <Frame>
      <section aria-label="session" className="rounded-lg border border-line bg-surface">
        <EmptyState title="There is no such session">
          It may not have arrived yet.{" "}
          <Link href={paths.sessions()} className="underline underline-offset-2">
            Look among all sessions
          </Link>
        </EmptyState>
      </section>
      <Ready />
    </Frame>
  );
}
