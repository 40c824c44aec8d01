/** Trees from parent links, for agents and for spans. Input is hostile: parents may be missing, or form a ring. */

const ROOTS = Symbol("roots");
export type Children = Map<string | typeof ROOTS, string[]>;

/** Parent -> children, in the order given; `rootsOf` gives those without a parent. Every id is reachable from a root exactly once. */
export function childrenOf(nodes: readonly { id: string; parent: string | null }[]): Children {
  const known = new Map(nodes.map((node) => [node.id, node.parent]));
  const children: Children = new Map([[ROOTS, []]]);
  const anchored = new Set<string>();
  for (const { id, parent } of nodes) {
    const isRoot = parent === null || parent === id || !known.has(parent) || closesRing(id, known, anchored);
    const key = isRoot ? ROOTS : parent;
    if (isRoot) known.set(id, null);
    const list = children.get(key);
    if (list) list.push(id);
    else children.set(key, [id]);
  }
  return children;
}

/** Walks up from a node; everything on a path that ends at a root is remembered, so each node is walked once. */
function closesRing(id: string, parents: Map<string, string | null>, anchored: Set<string>): boolean {
  const path = new Set<string>();
  let at: string | null | undefined = id;
  while (at !== null && at !== undefined && !anchored.has(at)) {
    if (path.has(at)) return at === id;
    path.add(at);
    at = parents.get(at);
  }
  for (const step of path) anchored.add(step);
  return false;
}

export const rootsOf = (children: Children): string[] => children.get(ROOTS) ?? [];

/** Children before their parents. A stack, as a chain may be deeper than the call stack. */
export function postOrder(children: Children): string[] {
  const order: string[] = [];
  const stack = [...rootsOf(children)];
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    order.push(id);
    stack.push(...(children.get(id) ?? []));
  }
  return order.reverse();
}

export interface TreeRow<T> {
  node: T;
  level: number;
  hasChildren: boolean;
}

/** The visible rows of a tree from top to bottom, leaving out what is below a collapsed node. */
export function visibleRows<T>(nodes: ReadonlyMap<string, T>, children: Children, isExpanded: (id: string) => boolean): TreeRow<T>[] {
  const rows: TreeRow<T>[] = [];
  const stack = rootsOf(children)
    .map((id) => ({ id, level: 0 }))
    .reverse();
  for (let next = stack.pop(); next; next = stack.pop()) {
    const node = nodes.get(next.id);
    const below = children.get(next.id) ?? [];
    if (node !== undefined) rows.push({ node, level: next.level, hasChildren: below.length > 0 });
    if (isExpanded(next.id))
      for (let index = below.length - 1; index >= 0; index--) stack.push({ id: below[index] as string, level: next.level + 1 });
  }
  return rows;
}
