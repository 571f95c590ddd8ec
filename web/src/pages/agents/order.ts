// Orders to agents and what became of them, in words. Pure.
import type { AgentStatusWord, GatewayState, Order, OrderOutcome } from "../../api/agents_desk";
import type { IconName } from "../../ui/icons";
import type { Tone } from "./words";

export const OUTCOMES: Record<OrderOutcome, { word: string; tone: Tone; icon: IconName; about: string }> = {
  confirmed: { word: "confirmed", tone: "ok", icon: "check", about: "It was done, and its effect was read back." },
  already_ended: { word: "already ended", tone: "plain", icon: "check", about: "It had ended before; nothing was done." },
  dry_run: { word: "on paper", tone: "plain", icon: "file", about: "It was only tried; nothing was done." },
  unconfirmed: { word: "not confirmed", tone: "error", icon: "warning", about: "It was asked for, but no effect was seen." },
  failed: { word: "failed", tone: "error", icon: "error", about: "It could not be done." },
  refused: { word: "refused", tone: "warning", icon: "close", about: "It was not passed on, or the other side said no." },
  unsupported: { word: "not supported", tone: "warning", icon: "close", about: "This controller cannot do it." },
};

export const ACTIONS: Record<Order["action"], string> = { kill: "Kill", spawn: "Start", model: "Set model" };

export const AGENT_STATES: Record<AgentStatusWord, { tone: Tone; icon: IconName }> = {
  running: { tone: "running", icon: "play" },
  done: { tone: "ok", icon: "check" },
  failed: { tone: "error", icon: "error" },
  idle: { tone: "plain", icon: "pause" },
};

export interface Connection {
  word: "connected" | "not well" | "stale" | "unavailable" | "no controller";
  tone: Tone;
  icon: IconName;
  says: string;
}

/** What is true of the connection to the gateway, and what that means for what is shown. */
export function connection(gateway: GatewayState, controller: string): Connection {
  if (controller === "none") return { word: "no controller", tone: "plain", icon: "close", says: "Nothing here reaches running agents. The ledger knows what they told." };
  if (gateway.connected && gateway.healthy) return { word: "connected", tone: "ok", icon: "check", says: "What is shown was read just now." };
  if (gateway.connected) return { word: "not well", tone: "warning", icon: "warning", says: "It answers, and says of itself that it is not well." };
  const why = gateway.problem ? ` (${gateway.problem})` : "";
  if (gateway.stale) return { word: "stale", tone: "warning", icon: "warning", says: `It cannot be asked${why}; these are its last data.` };
  return { word: "unavailable", tone: "error", icon: "error", says: "It cannot be reached, so nothing is known of what agents do now." };
}

/** `session=main-0001 model=a/b` in words. */
export function target_words(target: string): string {
  const found = /^(?:(session|agent)=(.*?)|default)(?: model=(\S+))?$/.exec(target);
  if (!found) return target;
  const [, kind, name, model] = found;
  const whose = kind ? `${kind} ${name}` : "later sessions";
  return model ? `${whose} to ${model}` : whose;
}

/** A sentence that begins as sentences do. */
export function sentence_of(text: string): string {
  const said = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(said) ? said : `${said}.`;
}

/** States in which a session can still be ended. */
export function can_be_killed(state: string): boolean {
  return state === "running" || state === "queued";
}

/** `anthropic/claude-sonnet-4` as an order takes it: the first slash parts the provider from the model, which may hold more of them. */
export function model_parts(text: string): { provider: string; model: string } | null {
  const at = text.indexOf("/");
  const [provider, model] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  return at > 0 && provider && model ? { provider, model } : null;
}
