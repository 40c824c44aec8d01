import { Check } from "lucide-react";
import type { Candidate } from "../../api/decision.ts";
import { formatCount } from "../../model/numbers.ts";
import { formatDuration } from "../../model/time.ts";
import { Money } from "../../ui/money.tsx";
import { SiliconName } from "../../ui/silicon-sign.tsx";

/** The pools a decision looked at: what was predicted of each, which was taken, and why the others could not be. */
export function Candidates({ candidates }: { candidates: readonly Candidate[] }) {
  if (candidates.length === 0) return <p className="text-ink-2 text-sm">The decision names no candidates.</p>;
  return (
    <ul aria-label="candidates" className="rounded-md border border-line">
      {[...candidates]
        .sort((left, right) => rank(left) - rank(right))
        .map((candidate) => (
          <li
            key={`${candidate.pool} ${candidate.model}`}
            className="flex flex-wrap items-baseline gap-x-4 gap-y-0.5 border-line border-b px-3 py-2 text-sm last:border-b-0"
          >
            <span className="flex min-w-48 flex-1 items-baseline gap-2">
              <SiliconName silicon={candidate.silicon} name={candidate.pool} />
              <span className="truncate text-ink-2">{candidate.model}</span>
            </span>
            <Predictions candidate={candidate} />
            <Outcome candidate={candidate} chosen={candidates.find((one) => one.chosen)} />
          </li>
        ))}
    </ul>
  );
}

function Predictions({ candidate: { ttft_ms, tpot_ms, warm_prefix_tokens, cost_nanousd } }: { candidate: Candidate }) {
  return (
    <span className="tabular flex gap-4 text-ink-2">
      {ttft_ms !== undefined && <span title="predicted time to the first token">{formatDuration(ttft_ms)}</span>}
      {tpot_ms !== undefined && <span title="predicted time per token after it">{formatDuration(tpot_ms)} / token</span>}
      {warm_prefix_tokens !== undefined && (
        <span title="of the prompt, expected to be in the pool's cache">{formatCount(warm_prefix_tokens)} tokens warm</span>
      )}
      {cost_nanousd !== undefined && <Money nanousd={String(Math.round(cost_nanousd))} className="text-ink" />}
    </span>
  );
}

/** Of two that cost about the same the cheaper one may be left: no reason is better than a wrong one. */
function eligibleWords(candidate: Candidate, chosen: Candidate | undefined): string {
  if (candidate.misses_sla) return "Eligible, but predicted to miss the service level";
  const isDearer = chosen?.cost_nanousd !== undefined && (candidate.cost_nanousd ?? 0) > chosen.cost_nanousd;
  return isDearer ? "Eligible, not the cheapest" : "Eligible, not taken";
}

function Outcome({ candidate, chosen }: { candidate: Candidate; chosen: Candidate | undefined }) {
  if (!candidate.chosen)
    return (
      <span className="w-full text-ink-2">
        {candidate.rejected === undefined ? eligibleWords(candidate, chosen) : `Rejected: ${candidate.rejected}`}
      </span>
    );
  return (
    <span className="flex w-full items-center gap-1 font-medium text-good">
      <Check size={13} aria-hidden /> Chosen
    </span>
  );
}

const rank = (candidate: Candidate) => (candidate.chosen ? 0 : candidate.rejected === undefined ? 1 : 2);
