import { type RunningInstall, runningInstall, SetupError, statePaths } from "@signalbox/local";

/**
 * The install that runs on a state folder.
 * @throws SetupError when none is ready there.
 */
export function requireRunning(home: string): RunningInstall {
  const running = runningInstall(statePaths(home).lock);
  if (!running) throw new SetupError("not_running", `Signalbox does not run on ${home}. Start it first, in another terminal: npm start`);
  if (running.state !== "ready") throw new SetupError("not_ready", `Signalbox on ${home} is ${running.state}. Try again in a moment.`);
  return running;
}
