import { toasts } from "./toasts.svelte";

/** Copies text and says so; where the browser forbids it, says that instead. */
export async function copy(text: string, what: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    toasts.announce(`${what} copied`);
    return true;
  } catch {
    toasts.show(`The browser does not allow copying here: ${text}`, "warning");
    return false;
  }
}
