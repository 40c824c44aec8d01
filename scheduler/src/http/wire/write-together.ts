/**
 * What is written in one turn of the event loop leaves at its end, one socket after another. Each write wakes the process at the other
 * end, which costs more than the write; one that is awake already need not be woken.
 */

import type { Socket } from "node:net";

/** Beyond this a copy costs more than a second piece. */
const MAX_ONE_PIECE_BYTES = 16 << 10;

let held: Socket[] = [];

/**
 * Writes bytes between two texts of bytes; a few leave as one text, since a gathering write of several pieces costs more than the copy.
 * @returns false while the other end is slower than we are
 */
export function writeTogether(socket: Socket, before: string, bytes: Buffer, after = ""): boolean {
  if (socket.writableCorked === 0) {
    socket.cork();
    if (held.push(socket) === 1) setImmediate(release);
  }
  if (bytes.length <= MAX_ONE_PIECE_BYTES) return socket.write(before + bytes.toString("latin1") + after, "latin1");
  if (before !== "") socket.write(before, "latin1");
  socket.write(bytes);
  if (after !== "") socket.write(after, "latin1");
  return !socket.writableNeedDrain;
}

function release(): void {
  const sockets = held;
  held = [];
  for (const socket of sockets) socket.uncork();
}
