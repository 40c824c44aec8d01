"use client";
import { plainId } from "@signalbox/otel/conventions";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { useRouter } from "next/navigation";
import { type KeyboardEvent, useDeferredValue, useEffect, useId, useRef, useState } from "react";
import { recentSessionsQuery } from "../../api/session.ts";
import { viewsQuery } from "../../api/view.ts";
import { matchEntries, type PaletteEntry } from "../../model/palette.ts";
import { viewAddress } from "../../model/views.ts";
import { paths } from "../../paths.ts";
import { classNames } from "../../ui/class-names.ts";
import { HostileText } from "../../ui/hostile-text.tsx";
import { Dialog } from "../../ui/modal.tsx";
import { PAGES } from "../pages.ts";
import { THEMES, type Theme, useTheme } from "../theme.ts";
import { openPalette, usePageActions } from "./palette-state.ts";

type Entry = PaletteEntry & { run: () => void };
const SESSIONS = 8;

/** One box for everything: pages, sessions by name or id, and actions. Arrows choose, Enter does. */
export function PaletteSearch({ onClose }: { onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState(0);
  const entries = useEntries(typed);
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const current = Math.min(chosen, entries.length - 1);
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  });
  const run = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    entry.run();
  };
  const press = (event: KeyboardEvent) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) {
      event.preventDefault();
      setChosen((current + move + entries.length) % Math.max(1, entries.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(entries[current]);
    }
  };
  return (
    <Dialog
      label="Go to"
      onClose={onClose}
      className="fixed inset-x-3 top-3 w-auto overflow-hidden rounded-lg sm:inset-x-auto sm:top-[14vh] sm:left-[calc(50%-280px)] sm:w-[560px]"
    >
      <label className="flex items-center gap-2.5 border-line border-b px-4">
        <Search size={15} className="shrink-0 text-ink-3" aria-hidden />
        <input
          value={typed}
          maxLength={200}
          role="combobox"
          aria-expanded
          aria-label="page, session or action"
          aria-controls={id}
          aria-activedescendant={entries[current] ? `${id}${current}` : undefined}
          autoComplete="off"
          spellCheck={false}
          placeholder="Page, session or action"
          onChange={(event) => {
            setTyped(event.target.value);
            setChosen(0);
          }}
          onKeyDown={press}
          className="h-12 w-full bg-transparent text-lg outline-none placeholder:text-ink-3"
        />
      </label>
      <div ref={list} id={id} role="listbox" aria-label="results" className="max-h-[50vh] overflow-y-auto p-1.5">
        {entries.map((entry, index) => (
          <div key={entry.id}>
            {entries[index - 1]?.group !== entry.group && (
              <div className="label px-2.5 pt-2 pb-1" aria-hidden>
                {entry.group}
              </div>
            )}
            {/* biome-ignore lint/a11y/useKeyWithClickEvents: the box above has the keys */}
            <div
              role="option"
              id={`${id}${index}`}
              aria-selected={index === current}
              onClick={() => run(entry)}
              onPointerMove={() => setChosen(index)}
              className={classNames(
                "flex cursor-pointer items-baseline gap-3 rounded-md px-2.5 py-1.5",
                index === current && "bg-selected",
              )}
            >
              <span className="max-w-[70%] shrink-0 truncate">
                <HostileText text={entry.label} />
              </span>
              {entry.detail && (
                <span className="min-w-0 truncate font-mono text-ink-3 text-xs">
                  <HostileText text={entry.detail} />
                </span>
              )}
            </div>
          </div>
        ))}
        {entries.length === 0 && <p className="px-2.5 py-6 text-center text-ink-2">Nothing is called that.</p>}
      </div>
    </Dialog>
  );
}

function useEntries(typed: string): Entry[] {
  const router = useRouter();
  const [theme, setTheme] = useTheme();
  // the server may be asked a moment later; what Enter does always fits what is typed
  const asked = useDeferredValue(typed);
  const q = asked.trim();
  const sessions = useQuery({
    ...recentSessionsQuery(q === "" ? { limit: SESSIONS } : { q, limit: SESSIONS }),
    placeholderData: keepPreviousData,
  });
  const pages = PAGES.map((page): Entry => ({ id: page.href, group: "Pages", label: page.label, run: () => router.push(page.href) }));
  const views = (useQuery(viewsQuery()).data?.data ?? []).map(
    (view): Entry => ({
      id: `view ${view.view_id}`,
      group: "Views",
      label: view.name,
      detail: PAGES.find(({ href }) => href === view.page)?.label ?? view.page,
      run: () => router.push(viewAddress(view)),
    }),
  );
  const actions: Entry[] = [
    ...usePageActions().map(({ label, run }): Entry => ({ id: label, group: "Actions", label, run: () => setTimeout(run) })),
    { id: "runaways", group: "Actions", label: "Show runaway agents", run: () => router.push(paths.agents({ show: "runaway" })) },
    { id: "errors", group: "Actions", label: "Show what failed", run: () => router.push(paths.brain({ errors: true })) },
    ...THEMES.filter((one) => one !== theme).map(
      (one: Theme): Entry => ({ id: `theme ${one}`, group: "Actions", label: `Use the ${one} theme`, run: () => setTheme(one) }),
    ),
    { id: "keys", group: "Actions", label: "Show the keys", detail: "?", run: () => setTimeout(() => openPalette("keys")) },
  ];
  const found = (sessions.data?.data ?? []).map(
    (session): Entry => ({
      id: session.session_id,
      group: "Sessions",
      label: session.agent_name ?? "unnamed",
      detail: plainId(session.session_id),
      run: () => router.push(paths.session(session.session_id)),
    }),
  );
  // the server has searched by more than what is shown; until it answers, those of before are searched here
  const sessionsFound = sessions.isPlaceholderData || asked !== typed ? matchEntries(found, typed) : found;
  return [...matchEntries(pages, typed), ...matchEntries(views, typed), ...sessionsFound, ...matchEntries(actions, typed)];
}
