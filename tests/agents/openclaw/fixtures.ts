import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "..", "..", "fixtures", "openclaw");

/** The records of every capture of a version, without their headers. */
export const readFixtureLines = (version: string): unknown[] =>
  readdirSync(join(FOLDER, version)).flatMap((file) =>
    readFileSync(join(FOLDER, version, file), "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((line): unknown => JSON.parse(line)),
  );
