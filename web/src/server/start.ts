import { closeDatabase } from "./database.ts";
import { environment } from "./environment.ts";
import { log } from "./log.ts";
import { runShutdownHooks } from "./shutdown.ts";

const DRAIN_MS = 300;

/** Says what is missing, and ends the process cleanly on a signal: Next itself would wait for open live connections. */
export function start(): void {
  if (environment.token() === "")
    log("error", "SIGNALBOX_TOKEN is not set: nobody can log in. Start through `npx signalbox up`, or set it");
  if (environment.databaseUrl() === "")
    log("error", "DATABASE_URL is not set: every page will be empty. Start through `npx signalbox up`, or set it");
  let isStopping = false;
  const stop = async () => {
    if (isStopping) return;
    isStopping = true;
    runShutdownHooks();
    // answers under way get this long; a read is a matter of milliseconds
    await Promise.all([closeDatabase().catch(() => {}), new Promise((resolve) => setTimeout(resolve, DRAIN_MS))]);
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}
