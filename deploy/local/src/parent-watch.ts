/**
 * Preloaded (`node --import`) into every part that the supervisor starts. Ends the part when the supervisor is gone, however
 * that went: after a SIGKILL nothing else would, and the parts would keep their ports.
 *
 * The sign is the IPC channel closing, which the kernel does for us. A part that forks workers of its own hands its
 * execArgv, and with it this preload, down to them: there the parent is another process, and this file does nothing.
 */
const GRACE_MS = 6_000;

if (Number(process.env.SIGNALBOX_SUPERVISOR_PID) === process.ppid && process.channel) {
  process.once("disconnect", () => {
    process.stderr.write(`${new Date().toISOString()} warn part the supervisor is gone, stopping\n`);
    setTimeout(() => process.kill(process.pid, "SIGKILL"), GRACE_MS).unref();
    process.kill(process.pid, "SIGTERM");
  });
  // Watching must not keep a part alive that is done.
  process.channel.unref();
}
// The pipe that carried our log lines may be gone too: writing to it must not be what ends the part half-way.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});
