import fs from "node:fs";
import path from "node:path";

export interface SourceFile {
  /** Path from the repository's root, with forward slashes. */
  file: string;
  source: string;
}

export interface Import {
  file: string;
  line: number;
  /** Path from the root for a relative import, else the specifier as written. */
  target: string;
  typeOnly: boolean;
}

const CODE = /\.(ts|tsx|mts|mjs|js)$/;
const SKIPPED = new Set(["node_modules", ".next", "dist", ".git", "fixtures", "output"]);

export function sourceFiles(root: string, folder: string): SourceFile[] {
  const found: SourceFile[] = [];
  for (const entry of fs.readdirSync(path.join(root, folder), { withFileTypes: true })) {
    const file = `${folder}/${entry.name}`;
    if (entry.isDirectory() && !SKIPPED.has(entry.name)) found.push(...sourceFiles(root, file));
    else if (entry.isFile() && CODE.test(entry.name)) found.push({ file, source: fs.readFileSync(path.join(root, file), "utf8") });
  }
  return found;
}

/** Static imports, re-exports, dynamic imports of a literal, and `import.meta.resolve` of one. */
export function importsOf({ file, source }: SourceFile): Import[] {
  const pattern =
    /^\s*(?:import|export)\s+(type\s+)?(?:[^;"']*?\sfrom\s+)?["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)|import\.meta\.resolve\(\s*["']([^"']+)["']/gm;
  return [...source.matchAll(pattern)].map((match) => {
    const specifier = match[2] ?? match[3] ?? match[4] ?? "";
    return {
      file,
      line: source.slice(0, match.index).split("\n").length + (match[0].startsWith("\n") ? 1 : 0),
      target: specifier.startsWith(".") ? path.posix.join(path.posix.dirname(file), specifier) : specifier,
      typeOnly: match[1] !== undefined,
    };
  });
}
