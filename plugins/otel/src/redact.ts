/**
 * Takes secrets out of text and values before they leave the process.
 *
 * Every pattern starts with a fixed literal or a lookbehind and has no run that another part of it could also match, so that
 * time grows linearly with the text whatever the text is: the input is what a model or a web page wrote.
 */

export const REDACTED = "[redacted]";

/** Names whose value is a secret, as a field of an object, a header, an environment variable or a query parameter. */
const SECRET_NAME =
  /^(?:.{0,64}[_.-])?(?:authorization|cookie|set-cookie|password|passwd|passphrase|pwd|secret|api[_-]?key|apikey|access[_-]?key|private[_-]?key|signing[_-]?key|credentials?|token|bearer)$|(?:password|secret|apikey|token)$/i;
/** Names that end like a secret's and count something. */
const NOT_SECRET_NAME = /tokens$|^(?:max|min|total|num|n)[_-]?token/i;

const NAMED_VALUE =
  /(authorization|cookie|password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key|credential|(?<![a-z])token|(?<=[_-])pwd)(["']?[ \t]{0,4}[:=][ \t]{0,4})((?:(?:bearer|basic)[ \t]{1,4})?)("[^"\n]*"?|'[^'\n]*'?|[^\s"',;&<>{}()[\]]+)/gi;

const TEXT_PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,32}PRIVATE KEY-----|$)/g, REDACTED],
  [/(:\/\/)[^\s/@:]{0,256}:[^\s/@]{1,256}@/g, `$1${REDACTED}@`],
  [/\b(Bearer|Basic)[ \t]{1,8}[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  // OpenAI, Anthropic, OpenRouter, Stripe; GitHub, GitLab; Slack; AWS; Google; npm; Hugging Face; Telegram bots; JWT.
  [/(?<![A-Za-z0-9])(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}/g, REDACTED],
  [/(?<![A-Za-z0-9])(?:gh[pousr]_|github_pat_|glpat-|npm_|hf_)[A-Za-z0-9_-]{16,}/g, REDACTED],
  [/(?<![A-Za-z0-9])(?:xox[abeprs]|xapp)-[A-Za-z0-9-]{10,}/g, REDACTED],
  [/(?<![A-Za-z0-9])(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Z])/g, REDACTED],
  [/(?<![A-Za-z0-9])AIza[0-9A-Za-z_-]{35}/g, REDACTED],
  [/(?<![A-Za-z0-9])[0-9]{8,10}:AA[A-Za-z0-9_-]{30,40}(?![A-Za-z0-9_-])/g, REDACTED],
  [/(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, REDACTED],
];

/** Whether a field of this name holds a secret. */
export const isSecretName = (name: string): boolean => name.length <= 128 && SECRET_NAME.test(name) && !NOT_SECRET_NAME.test(name);

/**
 * The text without keys, tokens, passwords and URL credentials, cut to `maxLength` characters (with `…` where cut).
 * A secret that the cut would split is still found.
 */
export function redactText(text: string, maxLength = 65_536): string {
  let result = text.length > maxLength ? text.slice(0, maxLength + 1024) : text;
  for (const [pattern, replacement] of TEXT_PATTERNS) result = result.replace(pattern, replacement);
  result = result.replace(NAMED_VALUE, (match, name: string, separator: string, scheme: string, value: string) => {
    if (value.includes(REDACTED)) return match;
    const quote = value.startsWith('"') || value.startsWith("'") ? value.charAt(0) : "";
    return `${name}${separator}${scheme}${quote}${REDACTED}${quote}`;
  });
  return result.length > maxLength ? `${result.slice(0, maxLength)}…` : result;
}

export interface RedactLimits {
  /** Characters kept of each string; default 65,536. */
  maxLength?: number;
  /** Values visited in all; the rest is left out; default 5,000. */
  maxValues?: number;
}

/**
 * A copy of a JSON-like value with secrets taken out: by name where a field is named like one, by pattern in every string.
 * Bounded in depth (16) and size; cycles end at the depth bound. Never throws, whatever getters the value has.
 */
export function redactValue(value: unknown, limits: RedactLimits = {}): unknown {
  const maxLength = limits.maxLength ?? 65_536;
  let left = limits.maxValues ?? 5_000;

  const visit = (current: unknown, depth: number): unknown => {
    if (left-- <= 0) return "…";
    if (typeof current === "string") return redactText(current, maxLength);
    if (typeof current === "bigint") return current.toString();
    if (typeof current === "function" || typeof current === "symbol") return undefined;
    if (current === null || typeof current !== "object") return current;
    if (depth >= 16) return "…";
    if (Array.isArray(current)) {
      const items: unknown[] = [];
      for (const item of current) {
        if (left <= 0) break;
        items.push(visit(item, depth + 1));
      }
      return items;
    }
    // Entries, never assignment by a foreign key: a field named __proto__ stays a plain field.
    const entries: [string, unknown][] = [];
    for (const key of Object.keys(current)) {
      if (left <= 0) break;
      const field: unknown = (current as Record<string, unknown>)[key];
      const hidden = isSecretName(key) && field !== null && typeof field !== "boolean" && typeof field !== "number";
      entries.push([key, hidden ? REDACTED : visit(field, depth + 1)]);
    }
    return Object.fromEntries(entries);
  };

  try {
    return visit(value, 0);
  } catch {
    return REDACTED;
  }
}
