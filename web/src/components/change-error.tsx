import { CircleAlert } from "lucide-react";
import { describeError } from "../api/error.ts";
import { HostileText } from "../ui/hostile-text.tsx";

/** Why a change was not made; nothing where it was, or is not asked for yet. */
export function ChangeError({ error }: { error: Error | null }) {
  if (error === null) return null;
  const { title, detail } = describeError(error);
  return (
    <p role="alert" className="flex items-start gap-2 text-bad text-sm">
      <CircleAlert size={14} className="mt-0.5 shrink-0" aria-hidden />
      <span className="min-w-0 break-words">
        {title}. <HostileText text={detail} />
      </span>
    </p>
  );
}
