// Who is logged in, and what they may do.
import * as routes from "../api/routes";
import { on_problem } from "../api/client";
import { as_problem, type Problem } from "../api/problem";
import type { Me, Scope } from "../api/types";

class Session {
  state = $state<"checking" | "in" | "out" | "unreachable">("checking");
  me = $state<Me | null>(null);
  problem = $state<Problem | null>(null);

  constructor() {
    on_problem((problem) => {
      if (problem.not_logged_in) this.lost();
    });
  }

  async check(): Promise<void> {
    try {
      this.enter(await routes.me());
    } catch (error) {
      this.problem = as_problem(error);
      this.state = this.problem.not_logged_in ? "out" : "unreachable";
    }
  }

  async log_in(token: string): Promise<void> {
    this.enter(await routes.log_in(token));
  }

  async log_out(): Promise<void> {
    await routes.log_out();
    this.lost();
  }

  /** The login is gone or was never there; the page that was open stays in the address bar and comes back after the next one. */
  lost(): void {
    this.me = null;
    this.state = "out";
  }

  may(scope: Scope): boolean {
    return this.me?.scopes.includes(scope) ?? false;
  }

  private enter(me: Me): void {
    this.me = me;
    this.problem = null;
    this.state = "in";
  }
}

export const session = new Session();
