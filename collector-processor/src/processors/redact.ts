/**
 * Secrets are taken out where telemetry comes in, whoever sent it. Two rules: the value of an attribute whose name says that it is a
 * secret, and anything that looks like a known kind of key, wherever it stands.
 */
export const REDACTED = "[redacted]";

/** None of these matches a quote or a backslash, so they may run over JSON text. */
const SECRETS = new RegExp(
  [
    String.raw`\b(?:[Bb]earer|[Bb]asic) [A-Za-z0-9._~+/-]{16,}=*`,
    String.raw`\bsk-[A-Za-z0-9_-]{16,}`, // OpenAI, Anthropic (sk-ant-), OpenRouter (sk-or-)
    String.raw`\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}`, // Stripe
    String.raw`\bgh[pousr]_[A-Za-z0-9]{30,}`,
    String.raw`\bgithub_pat_[A-Za-z0-9_]{30,}`,
    String.raw`\bglpat-[A-Za-z0-9_-]{20,}`,
    String.raw`\bxox[abeoprs]-[A-Za-z0-9-]{10,}`, // Slack
    String.raw`\bA(?:KIA|SIA)[A-Z0-9]{16}\b`, // AWS
    String.raw`\bAIza[A-Za-z0-9_-]{30,}`, // Google
    String.raw`\bhf_[A-Za-z0-9]{30,}`,
    String.raw`\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`, // JWT
    String.raw`\b\d{8,10}:AA[A-Za-z0-9_-]{30,}`, // Telegram bot
  ].join("|"),
  "g",
);

const SECRET_NAME =
  /(?:^|[._-])(?:authorization|cookie|set-cookie|password|passwd|secret|api[._-]?key|(?:access|refresh|auth|bearer|id)[._-]?token|private[._-]?key)$/i;

/** Names come again in every span: their answers are kept, up to a bound. */
const MAX_NAMES = 10_000;
const names = new Map<string, boolean>();

export function isSecretName(name: string): boolean {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (names.size >= MAX_NAMES) names.clear();
  const secret = SECRET_NAME.test(name);
  names.set(name, secret);
  return secret;
}

/** Of these each secret has so many in a row at least, and few words have: to look for that takes a tenth of the time that SECRETS takes. */
const KEY_CHARACTER = /[A-Za-z0-9._~+/-]/;
const KEY_CHARACTERS = 15;
const isKeyCharacter = Uint8Array.from({ length: 128 }, (_, code) => Number(KEY_CHARACTER.test(String.fromCharCode(code))));

function mayHoldSecret(text: string): boolean {
  for (let last = KEY_CHARACTERS - 1; last < text.length; ) {
    let at = last;
    while (at > last - KEY_CHARACTERS && isKeyCharacter[text.charCodeAt(at)] === 1) at--;
    if (at === last - KEY_CHARACTERS) return true;
    last = at + KEY_CHARACTERS;
  }
  return false;
}

/** The text with every key that it holds replaced; JSON text stays JSON. */
export function redact(text: string): string {
  if (!mayHoldSecret(text)) return text;
  SECRETS.lastIndex = 0;
  return SECRETS.test(text) ? text.replace(SECRETS, REDACTED) : text;
}
