/**
 * Text of models, web pages and tools is hostile. As a text node it can run nothing; what it can still do is lie: turn the reading
 * direction of what stands around it, hide characters, or pretend to be empty. Such characters are shown by their number.
 */

export interface TextPiece {
  text: string;
  /** Stands for a character that is not to be seen. */
  isMark: boolean;
}

/**
 * Controls but tab and newline; soft hyphen; marks, embeddings, overrides and isolates of direction; characters of no width;
 * invisible operators; the tag characters, which carry hidden instructions; interlinear marks.
 */
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** The text in pieces, in order; each unseen character is a piece of its own. `\r\n` is a newline. */
export function textPieces(text: string): TextPiece[] {
  const pieces: TextPiece[] = [];
  let at = 0;
  const shown = text.replaceAll("\r\n", "\n");
  for (const match of shown.matchAll(UNSEEN)) {
    if (match.index > at) pieces.push({ text: shown.slice(at, match.index), isMark: false });
    pieces.push({ text: `U+${(match[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`, isMark: true });
    at = match.index + match[0].length;
  }
  if (at < shown.length) pieces.push({ text: shown.slice(at), isMark: false });
  return pieces;
}

/** The same as one text, for what can hold no marks: an option, a title. */
export const seenText = (text: string): string =>
  textPieces(text)
    .map((piece) => piece.text)
    .join("");
