import Link from "next/link";
import { paths } from "../src/paths.ts";
import { EmptyState } from "../src/ui/notice.tsx";

export default function NotFound() {
  return (
    <main className="grid min-h-dvh place-items-center">
      <EmptyState title="There is no such page">
        <Link href={paths.overview()} className="underline underline-offset-2">
          Go to the overview
        </Link>
      </EmptyState>
    </main>
  );
}
