/** One machine: embedded Postgres and every part of Signalbox, supervised. */
export { codeOf, messageOf, SetupError } from "./errors.ts";
export { isRunning, type RunningInstall, runningInstall } from "./lock.ts";
export { mintLoginLink } from "./login-link.ts";
export type { PartEvent } from "./part.ts";
export { findTakenPorts, type TakenPort } from "./ports.ts";
export { embeddedUrl } from "./postgres.ts";
export { checkReady, checkTcp, type Readiness } from "./readiness.ts";
export { type Addresses, addressesOf, PORT_VARIABLES, type Ports, readSettings, type Settings } from "./settings.ts";
export { readToken, type StatePaths, statePaths } from "./state-folder.ts";
export { type Install, REPOSITORY_ROOT, StartInterrupted, type UpEvent, type UpOptions, type UpResult, up } from "./supervisor.ts";
export { ensureWebBuild, hashSources, type WebBuild } from "./web-build.ts";
