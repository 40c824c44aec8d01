import { ArrowRight } from "lucide-react";
import Link from "next/link";
import type { Explanation } from "../../api/explain.ts";
import { explainInWords } from "../../model/explain-words.ts";
import { seenText } from "../../model/hostile-text.ts";
import { classNames } from "../../ui/class-names.ts";
import { HostileText } from "../../ui/hostile-text.tsx";

/** The answer in sentences, each with the way to its rows. */
export function Statements({ explanation }: { explanation: Explanation }) {
  return (
    <ul aria-label="in words" className="flex flex-col">
      {explainInWords(explanation).map(({ id, parts, href, link }, index) => (
        <li key={`${id} ${href}`} data-statement={id} className="flex items-baseline gap-x-6 border-line border-b py-2 last:border-b-0">
          <p className={classNames("min-w-0 flex-1 break-words", index === 0 ? "text-lg" : "text-ink-2")}>
            {parts.map((part, at) =>
              typeof part === "string" ? (
                // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence keep their places
                <HostileText key={at} text={part} />
              ) : (
                <strong
                  // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence keep their places
                  key={at}
                  title={seenText(part.strong)}
                  className="inline-block max-w-[min(100%,48ch)] truncate align-bottom font-medium text-ink"
                >
                  <HostileText text={part.strong} />
                </strong>
              ),
            )}
          </p>
          <Link href={href} prefetch={false} className="flex shrink-0 items-center gap-1 text-ink-2 text-sm hover:text-ink hover:underline">
            {link} <ArrowRight size={12} aria-hidden />
          </Link>
        </li>
      ))}
    </ul>
  );
}
