// Every action of a page with its key: one list that the keyboard, the command palette and the key list share.
import { untrack } from "svelte";
import { chord_of, chords_of, type KeyPress } from "./chords";

export interface Action {
  /** Unique on the page; a later action with the same id hides the earlier one. */
  id: string;
  /** What it does, as a command: "Add to a collection". */
  title: string;
  /** Heading in the key list: "Library", "Everywhere". */
  group: string;
  /** Chords that start it: "mod+k", "Shift+ArrowLeft", "?", "g l" (one after the other). The first is the one shown. */
  keys: string[];
  run: () => void;
  /** Left out of palette and keyboard while false. */
  when?: () => boolean;
  /** Works also while a text field has the focus. */
  in_fields?: boolean;
  /** Listed in the key list, not in the palette: moving about is no command. */
  palette?: boolean;
}

/** How long the second key of a sequence may take. */
const SEQUENCE_MS = 1_200;

class Keys {
  private lists = $state.raw<(readonly Action[])[]>([]);
  private layers = 0;
  private prefix = "";
  private prefix_at = 0;

  /** All actions that can be done now; later lists win. */
  readonly actions: Action[] = $derived.by(() => {
    const by_id = new Map<string, Action>();
    for (const list of this.lists) for (const action of list) by_id.set(action.id, action);
    return [...by_id.values()].filter((action) => action.when?.() ?? true);
  });

  /** Adds actions; returns how to take them away. Call it in `$effect`. */
  add(actions: readonly Action[]): () => void {
    this.lists = [...this.lists, actions];
    return () => {
      this.lists = this.lists.filter((list) => list !== actions);
    };
  }

  /** While a dialog is open, only its own keys work. Returns how to say that it is closed. */
  open_layer(): () => void {
    this.layers += 1;
    return () => (this.layers -= 1);
  }

  /** The key shown beside a control, or null. */
  key_of(id: string): string | null {
    return this.actions.find((action) => action.id === id)?.keys[0] ?? null;
  }

  press(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing || this.layers > 0) return;
    const in_field = is_field(event.target);
    const chord = chord_of(event as KeyPress);
    if (chord === null || is_own_key(event.target, chord)) return;
    const sequence = this.prefix !== "" && event.timeStamp - this.prefix_at < SEQUENCE_MS ? `${this.prefix} ${chord}` : "";
    this.prefix = "";
    // What was added last is nearest to what the person looks at.
    const actions = [...this.actions].reverse().filter((action) => !in_field || action.in_fields);
    const hit =
      (sequence && actions.find((action) => chords_of(action.keys).includes(sequence))) ||
      actions.find((action) => chords_of(action.keys).includes(chord));
    if (hit) {
      event.preventDefault();
      hit.run();
    } else if (actions.some((action) => chords_of(action.keys).some((keys) => keys.startsWith(`${chord} `)))) {
      this.prefix = chord;
      this.prefix_at = event.timeStamp;
    }
  }
}

function is_field(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["button", "checkbox", "radio", "range", "submit"].includes(target.type);
}

/** Keys that a control of the browser answers itself: Enter and Space on buttons, Enter on links, arrows in groups of choices. */
function is_own_key(target: EventTarget | null, chord: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (chord === "Enter") return target.closest("a, button, summary, input") !== null;
  if (chord === "Space") return target.closest("button, summary, input") !== null;
  return chord.startsWith("Arrow") && target instanceof HTMLInputElement && ["radio", "range"].includes(target.type);
}

export const keys = new Keys();

/** Offers actions for as long as the component that calls it lives; `actions` may read reactive values. */
export function use_actions(actions: () => Action[]): void {
  $effect(() => {
    const list = actions();
    return untrack(() => keys.add(list));
  });
}
