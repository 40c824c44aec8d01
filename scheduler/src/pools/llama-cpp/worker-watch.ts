/** Asks a worker how it is, again and again: its health, its sessions, what it moved. One question at a time. */

import type { TierMove, WorkerStatus } from "./protocol.ts";
import type { WorkerClient } from "./worker-client.ts";

const EVERY_MS = 1_000;

export interface WorkerWatch {
  /** As it was last seen; undefined before the first answer. */
  readonly status: WorkerStatus | undefined;
  /** Asks now. @throws WorkerError; the socket's error */
  refresh(): Promise<WorkerStatus>;
  stop(): void;
}

export interface WatchHandlers {
  onStatus: (status: WorkerStatus) => void;
  onMove: (move: TierMove) => void;
  onError: (error: Error) => void;
}

export function watchWorker(client: Pick<WorkerClient, "status">, { onStatus, onMove, onError }: WatchHandlers): WorkerWatch {
  let status: WorkerStatus | undefined;
  let asking: Promise<WorkerStatus> | undefined;
  let since = 0;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  async function ask(): Promise<WorkerStatus> {
    const answer = await client.status(since);
    if (stopped) return answer;
    // A worker that started again counts from one.
    const fresh = status && answer.started !== status.started ? await client.status(0) : answer;
    status = fresh;
    for (const move of fresh.moves) onMove(move);
    since = fresh.moves.at(-1)?.id ?? (fresh === answer ? since : 0);
    onStatus(fresh);
    return fresh;
  }

  function refresh(): Promise<WorkerStatus> {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  }

  async function loop(): Promise<void> {
    try {
      await refresh();
    } catch (error) {
      if (!stopped) onError(error as Error);
    }
    if (!stopped) timer = setTimeout(() => void loop(), EVERY_MS);
  }
  void loop();

  return {
    get status() {
      return status;
    },
    refresh,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
