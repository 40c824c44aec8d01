/**
 * Regular expressions of the config. They are RE2's, which cannot backtrack: JavaScript's own take exponential time on some
 * pairs of pattern and text, and the text here is anybody's.
 */

import { RE2JS } from "re2js";

/** Whether the expression is found anywhere in a text. */
export type Expression = (text: string) => boolean;

/** @throws the syntax error; look-around and back-references are among them */
export function compileExpression(source: string): Expression {
  const compiled = RE2JS.compile(source);
  return (text) => compiled.matcher(text).find();
}
