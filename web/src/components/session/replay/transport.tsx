"use client";
import { Bot, CircleAlert, CircleDollarSign, Pause, Play, StepBack, StepForward } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { nextOf, type Replay } from "../../../model/replay.ts";
import { formatDuration } from "../../../model/time.ts";
import { Button, Key } from "../../../ui/button.tsx";
import { Segmented } from "../../../ui/segmented.tsx";
import { formatTime, useTimeZone } from "../../../ui/time.tsx";
import { useKey } from "../../../ui/use-key.ts";
import { type Playhead, SPEEDS, type Speed } from "./playhead.ts";
import { useIsPlaying } from "./use-playhead.ts";

/** Marks on the scrubber: finer than a pixel. */
const MARKS = 10_000;

/** Play, pause, scrub, step and jump. */
export function Transport({ replay, playhead, isWhole }: { replay: Replay; playhead: Playhead; isWhole: boolean }) {
  const isPlaying = useIsPlaying(playhead);
  const [speed, setSpeed] = useState<Speed>(playhead.speed);
  const toggle = () => (isPlaying ? playhead.pause() : playhead.play());
  const goTo = (index: number | undefined) => {
    const target = index === undefined ? undefined : replay.steps[index];
    if (!target) return;
    playhead.pause();
    playhead.seek(target.startMs);
  };
  const step = (by: 1 | -1) => goTo(otherMoment(replay, playhead.index, by));
  const jump = (indices: readonly number[]) => goTo(nextOf(indices, playhead.index));
  useKey([" "], (event) => {
    if (event.target instanceof HTMLElement && event.target.closest("button, a, summary")) return;
    event.preventDefault();
    toggle();
  });
  useKey(["ArrowRight"], () => step(1));
  useKey(["ArrowLeft"], () => step(-1));
  useKey(["e"], () => jump(replay.errors));
  useKey(["s"], () => jump(replay.subAgents));
  useKey(["c"], () => jump(replay.costliest));
  return (
    <div className="flex flex-col gap-2 px-4 pt-3 pb-2">
      <div className="flex flex-wrap items-center gap-2">
        <div className="flex items-center gap-1">
          <Button aria-label="step back" title="Step back (←)" onClick={() => step(-1)}>
            <StepBack size={14} aria-hidden />
          </Button>
          <Button aria-label={isPlaying ? "pause" : "play"} title={isPlaying ? "Pause (space)" : "Play (space)"} onClick={toggle}>
            {isPlaying ? <Pause size={15} aria-hidden /> : <Play size={15} aria-hidden />}
          </Button>
          <Button aria-label="step forward" title="Step forward (→)" onClick={() => step(1)}>
            <StepForward size={14} aria-hidden />
          </Button>
        </div>
        <Segmented
          label="speed"
          value={String(speed)}
          options={SPEEDS.map((each) => ({ value: String(each), label: `${each}×` }))}
          onChange={(next) => {
            const chosen = SPEEDS.find((each) => String(each) === next) ?? 1;
            playhead.speed = chosen;
            setSpeed(chosen);
          }}
        />
        <Clock replay={replay} playhead={playhead} isWhole={isWhole} />
        <div className="flex flex-wrap items-center gap-1 sm:ml-auto">
          <Jump to={replay.errors} none="nothing failed" onJump={jump} letter="e">
            <CircleAlert size={13} aria-hidden /> Next error
          </Jump>
          <Jump to={replay.subAgents} none="there is no sub-agent" onJump={jump} letter="s">
            <Bot size={13} aria-hidden /> Next sub-agent
          </Jump>
          <Jump to={replay.costliest} none="no call has a known cost" onJump={jump} letter="c">
            <CircleDollarSign size={13} aria-hidden /> Costliest
          </Jump>
        </div>
      </div>
      <Scrubber replay={replay} playhead={playhead} />
    </div>
  );
}

/** Of steps that began at one moment the last is shown: stepping goes to another moment. */
function otherMoment({ steps }: Replay, index: number, by: 1 | -1): number | undefined {
  const now = steps[index]?.startMs;
  for (let at = index + by; at >= 0 && at < steps.length; at += by) if (steps[at]?.startMs !== now) return at;
  return undefined;
}

function Jump({
  to,
  none,
  letter,
  onJump,
  children,
}: {
  to: readonly number[];
  none: string;
  letter: string;
  onJump: (to: readonly number[]) => void;
  children: ReactNode;
}) {
  return (
    <Button blocked={to.length === 0 ? none : undefined} onClick={() => onJump(to)}>
      {children} <Key>{letter}</Key>
    </Button>
  );
}

/** Which step, when, and how far in. Written by hand at each move. */
function Clock({ replay, playhead, isWhole }: { replay: Replay; playhead: Playhead; isWhole: boolean }) {
  const timeZone = useTimeZone();
  const text = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const write = () => {
      if (!text.current) return;
      const at = formatTime(playhead.ms, timeZone, "tenth");
      text.current.textContent = `${at} · step ${playhead.index + 1} of ${replay.steps.length}${isWhole ? "" : "…"}`;
    };
    write();
    return playhead.onMove(write);
  }, [playhead, replay, timeZone, isWhole]);
  return (
    <span className="tabular text-ink-2 text-sm">
      <span ref={text} data-clock />
      <span className="hidden text-ink-3 md:inline">, {formatDuration(replay.lengthMs)} at 1×</span>
    </span>
  );
}

function Scrubber({ replay, playhead }: { replay: Replay; playhead: Playhead }) {
  const timeZone = useTimeZone();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    let spoken = 0;
    const write = () => {
      const element = input.current;
      if (!element) return;
      element.value = String(Math.round(replay.axis.toFraction(playhead.ms) * MARKS));
      const now = performance.now();
      if (playhead.isPlaying && now - spoken < 1000) return;
      spoken = now;
      element.setAttribute("aria-valuetext", `${formatTime(playhead.ms, timeZone, "tenth")}, step ${playhead.index + 1}`);
    };
    write();
    return playhead.onMove(write);
  }, [playhead, replay, timeZone]);
  return (
    <input
      ref={input}
      type="range"
      aria-label="moment"
      min={0}
      max={MARKS}
      defaultValue={0}
      onInput={(event) => playhead.seek(replay.axis.toTime(Number(event.currentTarget.value) / MARKS))}
      className="h-5 w-full cursor-pointer accent-ink"
    />
  );
}
