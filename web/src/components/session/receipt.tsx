import { Check, CircleHelp } from "lucide-react";
import type { ReactNode } from "react";
import type { Receipt } from "../../api/control.ts";
import { formatCount, plural } from "../../model/numbers.ts";

const DONE = { kill: "Killed", pause: "Paused", resume: "Resumed" } as const;

/** What a stop really reached. What nobody confirmed is said as unknown, in a line of its own. */
export function ReceiptView({ receipt }: { receipt: Receipt }) {
  const isStop = receipt.action !== "resume";
  const reached = [receipt.upstream_closed, receipt.slots_freed, receipt.agents_acknowledged, receipt.unknown];
  return (
    <div className="mt-2">
      <p className="break-words">
        <span className="font-medium">{DONE[receipt.action]}</span> <span className="font-mono text-ink-2 text-sm">{receipt.session}</span>
        {receipt.descendants !== null && ` and ${plural(receipt.descendants, "sub-agent")}`}.
      </p>
      {receipt.action === "pause" && <p className="mt-1 text-ink-2">Calls under way end by themselves; every later call is refused.</p>}
      {receipt.action === "kill" && reached.every((count) => count === 0) && (
        <p className="mt-1 text-ink-2">Nothing was under way at that moment: there was nothing to cut off. Every later call is refused.</p>
      )}
      {isStop && (
        <dl aria-label="receipt" className="mt-3 rounded-md border border-line">
          {receipt.action === "kill" && (
            <>
              <Line name="Upstream connections closed" value={receipt.upstream_closed} />
              <Line name="Slots freed" value={receipt.slots_freed} />
            </>
          )}
          <Line name="Agents that acknowledged" value={receipt.agents_acknowledged} />
          <Line
            name="Not confirmed"
            value={receipt.unknown}
            isBad={(receipt.unknown ?? 1) > 0}
            note={
              receipt.unknown_names.length > 0 && (
                <ul className="mt-1 max-h-28 overflow-y-auto text-ink-2 text-sm">
                  {receipt.unknown_names.map((name) => (
                    <li key={name} className="break-words">
                      {name}
                    </li>
                  ))}
                </ul>
              )
            }
          />
        </dl>
      )}
    </div>
  );
}

function Line({ name, value, isBad = false, note }: { name: string; value: number | null; isBad?: boolean; note?: ReactNode }) {
  const Icon = value === null || isBad ? CircleHelp : Check;
  return (
    <div className="border-line border-b px-3.5 py-2 last:border-b-0">
      <div className="flex items-center gap-2.5">
        <Icon size={14} className={value === null || isBad ? "text-warn" : "text-good"} aria-hidden />
        <dt className="flex-1">{name}</dt>
        <dd className="tabular font-medium">
          {value === null ? <span className="font-normal text-ink-3">unknown</span> : formatCount(value)}
        </dd>
      </div>
      {note && <dd className="pl-6">{note}</dd>}
    </div>
  );
}
