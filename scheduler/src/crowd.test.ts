import fc from "fast-check";
import { expect, test } from "vitest";
import { Crowd, type Member } from "./crowd.ts";

test("whoever came and has not left is there, once, in whatever order they come and go", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 60 }), (turns) => {
      const people = Array.from({ length: 10 }, (): Member => ({ place: -1 }));
      const crowd = new Crowd<Member>();
      const there = new Set<Member>();
      for (const turn of turns) {
        const one = people[turn] as Member;
        if (there.delete(one)) {
          crowd.delete(one);
          crowd.delete(one);
        } else {
          crowd.add(one);
          there.add(one);
        }
        expect(crowd.size).toBe(there.size);
        expect(new Set(crowd)).toEqual(there);
      }
    }),
  );
});
