// Short messages that come and go, and words for screen readers about what changed.
export type ToastKind = "plain" | "ok" | "warning" | "error";

export interface Toast {
  id: number;
  kind: ToastKind;
  text: string;
  action: { label: string; run: () => void } | null;
}

/** Long enough to read two lines; errors stay until they are closed. */
const SHOWN_MS = 6_000;
const TOASTS_MAX = 4;

class Toasts {
  items = $state<Toast[]>([]);
  announcement = $state("");
  private last_id = 0;

  show(text: string, kind: ToastKind = "plain", action: Toast["action"] = null): void {
    const id = ++this.last_id;
    this.items = [...this.items.slice(1 - TOASTS_MAX), { id, kind, text, action }];
    if (kind !== "error") setTimeout(() => this.close(id), SHOWN_MS);
  }

  close(id: number): void {
    this.items = this.items.filter((toast) => toast.id !== id);
  }

  /** Says something to screen readers alone. */
  announce(text: string): void {
    // The same words twice would not be read again.
    this.announcement = this.announcement === text ? `${text}\u00a0` : text;
  }
}

export const toasts = new Toasts();
