import { type Amount, formatMoney } from "../model/money.ts";
import { formatCount, plural } from "../model/numbers.ts";
import { classNames } from "./class-names.ts";

/** An amount as it is read, with the exact one in `value`. Unknown is said in words and never as 0. */
export function Money({ nanousd, unknownCalls = 0, className }: Amount & { className?: string }) {
  const title =
    nanousd === null
      ? "no price is known for these calls"
      : unknownCalls > 0
        ? `at least this: the cost of ${plural(unknownCalls, "call")} is unknown`
        : `${formatCount(BigInt(nanousd))} nano-USD`;
  return (
    <data
      value={nanousd ?? "unknown"}
      title={title}
      className={classNames("tabular whitespace-nowrap", nanousd === null && "text-ink-3 italic", className)}
    >
      {formatMoney({ nanousd, unknownCalls })}
    </data>
  );
}
