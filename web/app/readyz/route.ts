import { read } from "../../src/server/database.ts";
import { environment } from "../../src/server/environment.ts";

export const dynamic = "force-dynamic";

/** 200 when the dashboard can do its job: someone can log in, and the tables it reads are there. */
export async function GET(): Promise<Response> {
  if (environment.token() === "") return notReady("SIGNALBOX_TOKEN is not set");
  try {
    await read((sql) => sql`select from sessions limit 1`);
    return Response.json({ status: "ready" });
  } catch (error) {
    return notReady(error instanceof Error ? error.message : String(error));
  }
}

const notReady = (reason: string) => Response.json({ status: "not ready", reason }, { status: 503 });
