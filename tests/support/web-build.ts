import path from "node:path";
import { ensureWebBuild as buildWeb } from "@signalbox/local";

const ROOT = path.resolve(import.meta.dirname, "../..");

/** The dashboard's production build, made if its sources have changed since the last one. Takes half a minute then. */
export async function ensureWebBuild(): Promise<{ serverJs: string }> {
  const { serverPath } = await buildWeb(ROOT);
  return { serverJs: serverPath };
}

/** Vitest's global setup: no test waits for a build. */
export default async function setup(): Promise<void> {
  await ensureWebBuild();
}
