/** The value of a key, made where there is none yet. Keys of several parts are maps within maps: one text of all parts is made and hashed anew each time. */
export function getOrMake<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

export const emptyMap = <Key, Value>(): Map<Key, Value> => new Map();
