// Light, dark, or what the system says. public/theme.js sets the same attribute before the first paint.
export type Theme = "system" | "light" | "dark";

const KEY = "exhibit.theme";
const ORDER: Theme[] = ["system", "light", "dark"];

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}

class ThemeChoice {
  choice = $state<Theme>("system");
  private readonly dark = matchMedia("(prefers-color-scheme: dark)");

  constructor() {
    this.choice = stored();
    this.apply();
    this.dark.addEventListener("change", () => this.apply());
  }

  set(choice: Theme): void {
    this.choice = choice;
    try {
      if (choice === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, choice);
    } catch {
      // Storage is closed: the choice holds for this page.
    }
    this.apply();
  }

  next(): Theme {
    const next = ORDER[(ORDER.indexOf(this.choice) + 1) % ORDER.length] ?? "system";
    this.set(next);
    return next;
  }

  private apply(): void {
    const system: Theme = this.dark.matches ? "dark" : "light";
    document.documentElement.dataset.theme = this.choice === "system" ? system : this.choice;
  }
}

export const theme = new ThemeChoice();
