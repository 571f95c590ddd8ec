/** Items whose words begin with every word of the text, best first; without text all in their order. */
export function rank<T>(text: string, items: readonly T[], words_of: (item: T) => string): T[] {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return [...items];
  return items
    .map((item, order) => ({ item, order, score: score(wanted, words_of(item).toLowerCase()) }))
    .filter((scored) => scored.score > 0)
    .sort((a, b) => b.score - a.score || a.order - b.order)
    .map((scored) => scored.item);
}

/** 0 = a word is missing; words that begin with it count more than words that hold it. */
function score(wanted: string[], text: string): number {
  let sum = 0;
  for (const word of wanted) {
    const at = text.indexOf(word);
    if (at === -1) return 0;
    if (at === 0) sum += 3;
    else sum += ` ${text}`.includes(` ${word}`) ? 2 : 1;
  }
  return sum;
}
