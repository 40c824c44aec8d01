"use client";
import { CirclePlay, OctagonX, Pause } from "lucide-react";
import type { ControlAction } from "../../api/control.ts";
import { Button, Key } from "../../ui/button.tsx";
import { useKey } from "../../ui/use-key.ts";
import { usePageAction } from "../palette/palette-state.ts";

/** Pause, resume and kill of a session in this state. Whoever is told of the choice asks before it is done. */
export function SessionControls({
  state = "running",
  onChoose,
}: {
  state?: "running" | "paused" | "killed" | undefined;
  onChoose: (action: ControlAction) => void;
}) {
  useKey(["k"], (event) => {
    if (event.shiftKey || state === "killed") return;
    event.preventDefault();
    onChoose("kill");
  });
  usePageAction("Kill this session", state !== "killed", () => onChoose("kill"));
  usePageAction(state === "running" ? "Pause this session" : "Resume this session", true, () =>
    onChoose(state === "running" ? "pause" : "resume"),
  );
  return (
    <span className="flex flex-wrap items-center gap-2" role="group" aria-label="controls">
      {state === "running" ? (
        <Button onClick={() => onChoose("pause")}>
          <Pause size={13} aria-hidden /> Pause
        </Button>
      ) : (
        <Button onClick={() => onChoose("resume")}>
          <CirclePlay size={13} aria-hidden /> Resume
        </Button>
      )}
      <Button
        tone="danger"
        onClick={() => onChoose("kill")}
        blocked={state === "killed" ? "It is killed already: its next calls are refused until it is resumed" : undefined}
      >
        <OctagonX size={13} aria-hidden /> Kill <Key>K</Key>
      </Button>
    </span>
  );
}
