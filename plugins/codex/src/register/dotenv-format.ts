import type { ConfigFormat, Reverted } from "@signalbox/otel/register";

/** `NAME=value` lines for `planRegister`: a path is one name, a value its text as it stands behind the sign. Other lines stay as they are. */
export const dotenvFormat: ConfigFormat = {
  empty: "",
  apply(source, wanted) {
    const file = linesOf(source);
    const changes = wanted.flatMap(({ name, path, value }) => {
      const variable = path.join(".");
      const before = file.get(variable);
      if (before === value) return [];
      file.set(variable, String(value));
      return [{ kind: "set" as const, name, path, value, ...(before === undefined ? {} : { before: { value: before } }) }];
    });
    return { text: file.text(), changes, created: [] };
  },

  revert(source, changes) {
    const file = linesOf(source);
    const result: Omit<Reverted, "text"> = { reverted: [], kept: [] };
    for (const change of changes.toReversed()) {
      const variable = change.path.join(".");
      const isOurs = change.kind === "set" && file.get(variable) === change.value;
      result[isOurs ? "reverted" : "kept"].push(change);
      if (isOurs) file.set(variable, change.before === undefined ? undefined : String(change.before.value));
    }
    return { ...result, text: file.text() };
  },
};

function linesOf(source: string) {
  const eol = source.includes("\r\n") ? "\r\n" : "\n";
  const lines = source === "" ? [] : source.split(eol);
  const endsWithEol = lines.at(-1) === "";
  if (endsWithEol) lines.pop();
  const assignment = (variable: string) => new RegExp(`^(\\s*(?:export\\s+)?${variable}\\s*=\\s*)(.*?)\\s*$`);
  // of several the last one holds
  const at = (variable: string) => lines.findLastIndex((line) => assignment(variable).test(line));
  return {
    get: (variable: string): string | undefined => assignment(variable).exec(lines[at(variable)] ?? "")?.[2],
    set(variable: string, value: string | undefined): void {
      const index = at(variable);
      if (value === undefined) lines.splice(index, 1);
      else if (index < 0) lines.push(`${variable}=${value}`);
      else lines[index] = `${assignment(variable).exec(lines[index] ?? "")?.[1]}${value}`;
    },
    text: () => (lines.length === 0 ? "" : lines.join(eol) + (endsWithEol || source === "" ? eol : "")),
  };
}
