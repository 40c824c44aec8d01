import { advance, indexAt, type Replay } from "../../../model/replay.ts";

export const SPEEDS = [1, 2, 4, 8, 16] as const;
export type Speed = (typeof SPEEDS)[number];

/**
 * Where the replay is. It moves by requestAnimationFrame and tells its listeners, who move what they drew by hand: React would be
 * too slow for 60 times a second, and hears of what changes rarely.
 */
export interface Playhead {
  /** Milliseconds since 1970. */
  readonly ms: number;
  /** Of the step that has begun last; -1 where there is none. */
  readonly index: number;
  readonly isPlaying: boolean;
  speed: Speed;
  /** More steps are known. The moment stays. */
  setReplay(replay: Replay): void;
  seek(ms: number): void;
  /** From the beginning where it stood at the end. */
  play(): void;
  pause(): void;
  /** Called after each move, with the playhead at its new place. Returns what ends it. */
  onMove(listener: () => void): () => void;
  /** Called when it starts or stops to play. */
  onPlaying(listener: () => void): () => void;
}

/** A tab that was hidden, or a frame that took long, is not caught up with. */
const MAX_FRAME_MS = 100;

export function createPlayhead(): Playhead {
  const moved = new Set<() => void>();
  const toggled = new Set<() => void>();
  let replay: Replay | undefined;
  let ms = 0;
  let index = -1;
  let isPlaying = false;
  let frame = 0;
  let before = 0;

  function move(to: number): void {
    ms = to;
    index = replay ? indexAt(replay, ms) : -1;
    for (const listener of moved) listener();
  }
  function setPlaying(next: boolean): void {
    if (next === isPlaying) return;
    isPlaying = next;
    for (const listener of toggled) listener();
  }
  function tick(now: number): void {
    if (!replay || !isPlaying) return;
    move(advance(replay, ms, Math.min(now - before, MAX_FRAME_MS), playhead.speed));
    before = now;
    if (ms >= replay.endMs) setPlaying(false);
    else frame = requestAnimationFrame(tick);
  }
  const listen = (set: Set<() => void>) => (listener: () => void) => {
    set.add(listener);
    return () => {
      set.delete(listener);
    };
  };

  const playhead: Playhead = {
    get ms() {
      return ms;
    },
    get index() {
      return index;
    },
    get isPlaying() {
      return isPlaying;
    },
    speed: 1,
    setReplay(next) {
      const isFirst = replay === undefined;
      replay = next;
      move(isFirst && ms === 0 ? next.startMs : ms);
    },
    seek(to) {
      if (!replay) ms = to;
      else move(Math.min(replay.endMs, Math.max(replay.startMs, to)));
    },
    play() {
      if (!replay || isPlaying || replay.steps.length === 0) return;
      if (ms >= replay.endMs) move(replay.startMs);
      setPlaying(true);
      cancelAnimationFrame(frame);
      before = performance.now();
      frame = requestAnimationFrame(tick);
    },
    pause() {
      cancelAnimationFrame(frame);
      setPlaying(false);
    },
    onMove: listen(moved),
    onPlaying: listen(toggled),
  };
  return playhead;
}
