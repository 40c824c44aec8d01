import { expect, it } from "vitest";
import { textPieces } from "./hostile-text.ts";

const shown = (text: string) =>
  textPieces(text)
    .map((piece) => (piece.isMark ? `[${piece.text}]` : piece.text))
    .join("");

it.each([
  ["plain text, ünïcode, 漢字, عربي, 🙂", "plain text, ünïcode, 漢字, عربي, 🙂"],
  ["tabs\tand\nlines\r\nstay", "tabs\tand\nlines\nstay"],
  ["invoice\u202efdp.exe", "invoice[U+202E]fdp.exe"],
  ["pay\u200bpal \u2066x\u2069", "pay[U+200B]pal [U+2066]x[U+2069]"],
  ["bell\u0007 \u001b[31mred", "bell[U+0007] [U+001B][31mred"],
  ["hidden\u{e0041}\u{e0042}", "hidden[U+E0041][U+E0042]"],
  ["over\rwritten", "over[U+000D]written"],
  ["<script>alert(1)</script>", "<script>alert(1)</script>"],
  ["", ""],
])("%j", (text, expected) => expect(shown(text)).toBe(expected));
