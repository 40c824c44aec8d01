import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { childrenOf, postOrder, rootsOf, visibleRows } from "./tree.ts";

const tree = (...links: [string, string | null][]) => childrenOf(links.map(([id, parent]) => ({ id, parent })));

describe("childrenOf", () => {
  it("makes roots of those whose parent is not there", () =>
    expect(rootsOf(tree(["a", null], ["b", "a"], ["c", "gone"]))).toEqual(["a", "c"]));
  it("cuts a ring where it closes", () => {
    const children = tree(["a", "b"], ["b", "a"], ["c", "b"]);
    expect(rootsOf(children)).toEqual(["a"]);
    expect(postOrder(children)).toEqual(["c", "b", "a"]);
  });

  it("reaches every node exactly once, whatever the parents", () => {
    const ids = fc.uniqueArray(fc.integer({ min: 0, max: 30 }).map(String), { minLength: 1, maxLength: 30 });
    const links = ids.chain((list) =>
      fc.tuple(...list.map((id) => fc.tuple(fc.constant(id), fc.option(fc.integer({ min: 0, max: 30 }).map(String))))),
    );
    fc.assert(
      fc.property(links, (input) => {
        const order = postOrder(tree(...input));
        expect([...order].sort()).toEqual(input.map(([id]) => id).sort());
      }),
    );
  });

  it("walks a chain of a hundred thousand", () => {
    const chain = Array.from({ length: 100_000 }, (_, index) => ({ id: `${index}`, parent: index === 0 ? null : `${index - 1}` }));
    expect(postOrder(childrenOf(chain))[0]).toBe("99999");
  });
});

it("leaves out what is below a folded node", () => {
  const children = tree(["a", null], ["b", "a"], ["c", "b"], ["d", null]);
  const nodes = new Map(["a", "b", "c", "d"].map((id) => [id, id]));
  const rows = visibleRows(nodes, children, (id) => id !== "b");
  expect(rows.map(({ node, level, hasChildren }) => [node, level, hasChildren])).toEqual([
    ["a", 0, true],
    ["b", 1, true],
    ["d", 0, false],
  ]);
});
