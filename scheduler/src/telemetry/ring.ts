/** A bounded buffer between the path and the telemetry behind it. A write never waits and never allocates; a full ring counts what it refuses. */
export interface Ring<T> {
  /** @returns false when full: the item is dropped and counted */
  push(item: T): boolean;
  /** Takes up to `max` items, oldest first. */
  take(max: number): T[];
  readonly size: number;
  readonly dropped: number;
}

export function createRing<T>(capacity: number): Ring<T> {
  const slots: (T | undefined)[] = new Array(capacity).fill(undefined);
  let head = 0;
  let size = 0;
  let dropped = 0;
  return {
    push(item) {
      if (size === capacity) {
        dropped++;
        return false;
      }
      slots[(head + size) % capacity] = item;
      size++;
      return true;
    },
    take(max) {
      const items: T[] = [];
      while (size > 0 && items.length < max) {
        items.push(slots[head] as T);
        slots[head] = undefined;
        head = (head + 1) % capacity;
        size--;
      }
      return items;
    },
    get size() {
      return size;
    },
    get dropped() {
      return dropped;
    },
  };
}
