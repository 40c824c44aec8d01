import { readFileSync } from "node:fs";
import { createProgram, run } from "./program.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };

// A reader that goes away (`signalbox up | head`, a closed terminal) must not end us before what we run is stopped.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});

// Started under an older Node by bin/signalbox.mjs: when that launcher is killed, nobody else would tell us.
if (process.channel && Number(process.env.SIGNALBOX_LAUNCHER_PID) === process.ppid) {
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  process.channel.unref();
}
delete process.env.SIGNALBOX_LAUNCHER_PID;

process.exitCode = await run(createProgram(version), process.argv.slice(2));
