"use client";
import { CirclePlay, OctagonX, Pause } from "lucide-react";
import { useState } from "react";
import type { ControlAction } from "../../api/control.ts";
import { Button, Key } from "../../ui/button.tsx";
import { useKey } from "../../ui/use-key.ts";
import { usePageAction } from "../palette/palette-state.ts";
import { StopDialog, type Stoppable } from "./stop-dialog.tsx";

/** Pause, resume and kill. Each asks first and shows a receipt after. */
export function SessionControls({ session }: { session: Stoppable }) {
  const [asked, setAsked] = useState<ControlAction | null>(null);
  const state = session.control?.state ?? "running";
  useKey(["k"], (event) => {
    if (event.shiftKey || state === "killed") return;
    event.preventDefault();
    setAsked("kill");
  });
  usePageAction("Kill this session", state !== "killed", () => setAsked("kill"));
  usePageAction(state === "running" ? "Pause this session" : "Resume this session", true, () =>
    setAsked(state === "running" ? "pause" : "resume"),
  );
  return (
    <span className="flex flex-wrap items-center gap-2" role="group" aria-label="controls">
      {state === "running" ? (
        <Button onClick={() => setAsked("pause")}>
          <Pause size={13} aria-hidden /> Pause
        </Button>
      ) : (
        <Button onClick={() => setAsked("resume")}>
          <CirclePlay size={13} aria-hidden /> Resume
        </Button>
      )}
      <Button
        tone="danger"
        onClick={() => setAsked("kill")}
        blocked={state === "killed" ? "It is killed already: its next calls are refused until it is resumed" : undefined}
      >
        <OctagonX size={13} aria-hidden /> Kill <Key>K</Key>
      </Button>
      {asked && <StopDialog session={session} action={asked} onClose={() => setAsked(null)} />}
    </span>
  );
}
