import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RegisterError } from "./types.ts";

export const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** The text of a file; undefined where there is none. Throws RegisterError where it is there and cannot be read. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new RegisterError(`cannot read ${path}: ${(error as Error).message}`);
  }
}

/** Throws RegisterError where the file is there and its owner may not write it: a rename would not ask. */
export async function requireWritable(path: string): Promise<void> {
  const mode = (await stat(path).catch(() => undefined))?.mode;
  if (mode !== undefined && (mode & 0o200) === 0) {
    throw new RegisterError(`${path} is read-only; make it writable (chmod u+w) and run this again`);
  }
}

/**
 * Replaces a file's text in one step, its mode kept (0600 for a new one). `expected` is the text it must still have: the agent may
 * have written meanwhile. Throws RegisterError; the file is then as it was.
 */
export async function writeAtomically(path: string, text: string, expected: string | undefined): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString("hex")}.signalbox.tmp`);
  try {
    const mode = (await stat(path).catch(() => undefined))?.mode;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(text);
      if (mode !== undefined) await file.chmod(mode & 0o7777);
      await file.sync();
    } finally {
      await file.close();
    }
    if ((await readText(path)) !== expected) throw new RegisterError(`${path} was changed by another program just now; run this again`);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    if (error instanceof RegisterError) throw error;
    throw new RegisterError(`cannot write ${path}: ${(error as Error).message}`);
  }
}
