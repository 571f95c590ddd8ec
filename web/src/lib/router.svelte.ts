// The address bar is the state: pages read it here and change it here, over the History API.
import { link, place_of, query_of, search_of, type Place, type Query } from "./routes";

/** What a history entry keeps beside its address. */
interface Kept {
  scroll?: number;
  /** How many entries of this app lie below it. */
  depth?: number;
}

function kept(): Kept {
  return (history.state as Kept | null) ?? {};
}

class Router {
  private pathname = $state(location.pathname);
  private search = $state(location.search);

  readonly place: Place = $derived(place_of(this.pathname));
  readonly query: Query = $derived(query_of(this.search));
  readonly path = $derived(this.pathname);
  /** Grows with each change of page (not of the query), so that focus and scroll follow. */
  visits = $state(0);
  /** Where the page was scrolled to when it was left, if it is entered by back or forward. */
  scroll_back: number | null = null;

  constructor() {
    history.scrollRestoration = "manual";
    addEventListener("popstate", (event) => {
      this.scroll_back = (event.state as Kept | null)?.scroll ?? 0;
      this.read();
    });
    document.addEventListener("click", (event) => this.click(event));
  }

  /** How many entries of this app the back button has before it leaves. */
  get depth(): number {
    return kept().depth ?? 0;
  }

  /** Goes to an address of the app. With `replace` the back button skips the present one. */
  go(href: string, options: { replace?: boolean } = {}): void {
    this.scroll_back = null;
    if (options.replace) history.replaceState({ depth: this.depth }, "", href);
    else history.pushState({ depth: this.depth + 1 }, "", href);
    this.read();
  }

  /** Changes parts of the query and leaves the rest; `null` and "" take a part away. */
  set_query(changes: Record<string, string | null>, options: { replace?: boolean } = {}): void {
    const search = search_of({ ...this.query, ...changes });
    if (search === search_of(this.query)) return;
    if (options.replace) history.replaceState(kept(), "", this.pathname + search);
    else history.pushState({ depth: this.depth + 1 }, "", this.pathname + search);
    this.search = search;
  }

  /** The present address with some parts of the query changed, for links. */
  with_query(changes: Record<string, string | null>): string {
    return link(this.pathname, { ...this.query, ...changes });
  }

  /** Keeps the scroll position of this history entry for when it is come back to. */
  keep_scroll(scroll: number): void {
    history.replaceState({ ...kept(), scroll }, "");
  }

  private read(): void {
    if (location.pathname !== this.pathname) this.visits += 1;
    this.pathname = location.pathname;
    this.search = location.search;
  }

  /** Plain links go without loading the page anew; whatever asks for a new tab or a download is the browser's. */
  private click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const anchor = (event.target as Element | null)?.closest?.("a");
    if (!anchor || anchor.target || anchor.hasAttribute("download") || anchor.origin !== location.origin) return;
    if (anchor.dataset.native !== undefined || place_of(anchor.pathname).page === "nowhere") return;
    event.preventDefault();
    const href = anchor.pathname + anchor.search;
    if (href !== location.pathname + location.search) this.go(href);
  }
}

export const router = new Router();
export { link };
