import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { CONTENT, FIELDS } from "./carries.ts";
import { DIALECTS } from "./types.ts";

const README = path.join(import.meta.dirname, "README.md");

function table(): string {
  const rows = Object.entries({ ...CONTENT, ...FIELDS });
  const lines = rows.map(([feature, row]) => [feature in FIELDS ? `\`${feature}\`` : feature, ...DIALECTS.map((dialect) => row[dialect])]);
  return [["", ...DIALECTS], ["---", ...DIALECTS.map(() => "---")], ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** To print it anew: `UPDATE_DOCS=1 npx vitest run --project unit translate/README` */
test("the README's table is the one in carries.ts", () => {
  const text = fs.readFileSync(README, "utf8");
  const current = text.replace(
    /(<!-- carries -->\n)[\s\S]*(<!-- \/carries -->)/,
    (_, start: string, end: string) => `${start}${table()}\n${end}`,
  );
  if (process.env.UPDATE_DOCS) fs.writeFileSync(README, current);
  expect(current).toBe(process.env.UPDATE_DOCS ? current : text);
});
