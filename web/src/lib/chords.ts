// Names of key presses. Pure, so that it can be tested as a table.

export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/** `mod` is Ctrl, on a Mac also Cmd. Shift is named only with keys that do not change by it (arrows, Enter): "?" is "?". */
export function chord_of(press: KeyPress): string | null {
  if (["Shift", "Control", "Alt", "Meta", "Dead", "Process"].includes(press.key)) return null;
  const letter = press.key.length === 1;
  const parts: string[] = [];
  if (press.ctrlKey || press.metaKey) parts.push("mod");
  if (press.altKey) parts.push("Alt");
  if (press.shiftKey && (!letter || /[a-z]/i.test(press.key))) parts.push("Shift");
  parts.push(press.key === " " ? "Space" : letter ? press.key.toLowerCase() : press.key);
  return parts.join("+");
}

/** Chords as they are compared: letters small, the rest as given. */
export function chords_of(keys: string[]): string[] {
  return keys.map((key) => key.replace(/(^|[+ ])([A-Z])(?= |$)/g, (_, before: string, letter: string) => before + letter.toLowerCase()));
}

const SIGNS: Record<string, string> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
  PageUp: "Page up",
  PageDown: "Page down",
  Delete: "Del",
  Shift: "⇧",
};

/** The parts of a chord as they are printed on keys; `mac` decides between ⌘ and Ctrl. */
export function caps_of(chord: string, mac: boolean): string[] {
  return chord.split(" ").flatMap((one) =>
    (one === "+" ? ["+"] : one.split("+")).map((part) => {
      if (part === "mod") return mac ? "⌘" : "Ctrl";
      if (part === "Shift" && !mac) return "Shift";
      return SIGNS[part] ?? (part.length === 1 ? part.toUpperCase() : part);
    }),
  );
}
