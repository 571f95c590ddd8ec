// A list that changes while somebody reads it. Pure.

/** The rows that are shown, each as it is now, in the places that they have; and how many others would stand there if the list were shown anew. */
export function in_place<Row>(shown: readonly Row[], fresh: readonly Row[], id: (row: Row) => string): { rows: Row[]; arrived: number } {
  const now = new Map(fresh.map((row) => [id(row), row]));
  const known = new Set(shown.map(id));
  return { rows: shown.map((row) => now.get(id(row)) ?? row), arrived: fresh.filter((row) => !known.has(id(row))).length };
}
