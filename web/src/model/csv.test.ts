import { expect, it } from "vitest";
import { csvLine } from "./csv.ts";

it("quotes what would break a line, and leaves unknown empty", () => {
  expect(csvLine(["a,b", 'say "hi"', "two\nlines", null, undefined, 1.5, true, { a: [1] }])).toBe(
    '"a,b","say ""hi""","two\nlines",,,1.5,true,"{""a"":[1]}"\r\n',
  );
});

it("disarms formulas, and leaves money alone", () => {
  expect(csvLine(["=cmd()", "+1", "-2+3", "@x", "-120", "120"])).toBe("'=cmd(),'+1,'-2+3,'@x,-120,120\r\n");
});
