// The present moment for "5 min ago", moved on twice a minute for all who show it.
class Now {
  at = $state(new Date());

  constructor() {
    setInterval(() => (this.at = new Date()), 30_000);
  }
}

export const now = new Now();
