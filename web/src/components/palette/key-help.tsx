"use client";
import { Modal } from "../../ui/modal.tsx";

const KEYS: readonly (readonly [string, string])[] = [
  ["⌘K or Ctrl K", "go to a page or session, or do something"],
  ["/", "search on this page"],
  ["j k", "go down and up the rows of a list; Enter opens"],
  ["K", "in a session: kill it (it asks first)"],
  ["↑ ↓", "move through the spans of a session"],
  ["← →", "fold and open a span; step through a chart"],
  ["Space", "play and pause a replay; ← → step through it"],
  ["E, S, C", "in a replay: the next error, the next sub-agent, the costliest call"],
  ["R", "in a replay: the messages, or the bytes that were sent and received"],
  ["Enter", "show the span; explain the chart's bar"],
  ["Esc", "close what is open"],
  ["?", "this list"],
];

export function KeyHelp({ onClose }: { onClose: () => void }) {
  return (
    <Modal onClose={onClose} title="Keys">
      <dl className="mt-3 grid grid-cols-[auto_minmax(0,1fr)] items-baseline gap-x-5 gap-y-2">
        {KEYS.map(([key, does]) => (
          <div key={key} className="contents">
            <dt>
              <kbd className="rounded-sm border border-line bg-sunken px-1.5 py-0.5 font-sans text-ink-2 text-sm">{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
