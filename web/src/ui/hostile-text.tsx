import { useMemo } from "react";
import { textPieces } from "../model/hostile-text.ts";

/** Text that nobody vouches for: no markup, no links, its reading direction kept to itself, unseen characters by their number. */
export function HostileText({ text }: { text: string }) {
  const pieces = useMemo(() => textPieces(text), [text]);
  let at = 0;
  return (
    <bdi>
      {pieces.map((piece) => {
        at += piece.text.length;
        return piece.isMark ? (
          <span
            key={at}
            className="mx-px whitespace-nowrap rounded-sm bg-warn-soft px-1 font-mono text-warn text-xs"
            title="a character that is not seen"
          >
            {piece.text}
          </span>
        ) : (
          piece.text
        );
      })}
    </bdi>
  );
}
