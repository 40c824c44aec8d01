/** What text in Postgres cannot hold, or JSON there refuses: NUL and lone surrogates; each becomes U+FFFD. */
export function storableText(text: string): string {
  return (text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text).toWellFormed();
}
