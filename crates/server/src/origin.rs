//! Who is asked, and from where: the checks of `Host`, `Origin` and `Sec-Fetch-Site`.
//!
//! A page of another site can make a browser send requests here, and by DNS rebinding even under a name that leads here. The name has to
//! be one of ours, and what comes from another origin is refused. `localhost:3000` is the same site as `localhost:8765`, so that even a
//! cookie with `SameSite=Strict` comes along from there; hence another origin is refused by what the browser says, not by the cookie.

use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use exhibit_http::ApiError;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The names under which this server answers.
#[derive(Debug)]
pub struct Names {
    /// The port that it listens on.
    pub port: u16,
    /// Names besides those of the loopback interface, with or without a port.
    pub hosts: Vec<String>,
    /// Whether a proxy stands before it, which may speak TLS and have another port.
    pub behind_proxy: bool,
}

impl Names {
    /// Refuses a request that was sent to another name, or that a page of another origin sent.
    ///
    /// # Errors
    /// 421 `host-refused`, 403 `cross-origin`.
    pub fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
        let host = self.host(uri, headers).ok_or_else(|| {
            let detail = "this server does not answer under the name that the request was sent to";
            ApiError::new(StatusCode::MISDIRECTED_REQUEST, "host-refused", detail)
                .hint("use http://localhost and the port, or add the name to server.hosts")
        })?;
        let from_elsewhere = || {
            let detail = "the request comes from a page of another origin";
            ApiError::new(StatusCode::FORBIDDEN, "cross-origin", detail)
        };
        for origin in headers.get_all(header::ORIGIN) {
            let ours = origin.to_str().is_ok_and(|origin| self.is_own_origin(origin, &host));
            if !ours {
                return Err(from_elsewhere());
            }
        }
        for site in headers.get_all(FETCH_SITE) {
            let near = site == "same-origin" || site == "none";
            if !near && !is_link_to_a_page(method, uri.path(), headers) {
                return Err(from_elsewhere());
            }
        }
        Ok(())
    }

    /// The one name that the request was sent to, when it is ours.
    fn host(&self, uri: &Uri, headers: &HeaderMap) -> Option<String> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next()?.to_str().ok()?.to_ascii_lowercase();
        let of_uri = uri.authority().map(|authority| authority.as_str().to_ascii_lowercase());
        let one = hosts.next().is_none() && of_uri.is_none_or(|of_uri| of_uri == host);
        (one && self.is_own_host(&host)).then_some(host)
    }

    fn is_own_host(&self, host: &str) -> bool {
        let (name, port) = split(host);
        if ["localhost", "127.0.0.1", "[::1]"].contains(&name) {
            let is_ours = port.unwrap_or(80) == self.port;
            return is_ours || self.behind_proxy;
        }
        self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host) || known.eq_ignore_ascii_case(name))
    }

    fn is_own_origin(&self, origin: &str, host: &str) -> bool {
        let plain = origin.strip_prefix("http://");
        let secure = origin.strip_prefix("https://").filter(|_| self.behind_proxy);
        let Some(authority) = plain.or(secure) else { return false };
        // A proxy may pass on its own name for this server instead of the one that the browser knows.
        authority.eq_ignore_ascii_case(host)
            || (self.behind_proxy && self.hosts.iter().any(|known| known.eq_ignore_ascii_case(authority)))
    }
}

/// `[::1]:80` is `[::1]` and 80. What is no port belongs to the name, and no name of ours ends like that.
fn split(host: &str) -> (&str, Option<u16>) {
    let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    match host.rsplit_once(':').filter(|(_, port)| digits(port)).map(|(name, port)| (name, port.parse())) {
        Some((name, Ok(port))) => (name, Some(port)),
        _ => (host, None),
    }
}

/// Somebody followed a link to a page of the UI, or to log in: the page shows nothing that the other site could read.
fn is_link_to_a_page(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    let says = |name: HeaderName, word: &str| headers.get(name).is_some_and(|value| value == word);
    method == Method::GET
        && says(FETCH_MODE, "navigate")
        && says(FETCH_DEST, "document")
        && !crate::router::is_for_programs(path)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn names(hosts: &[&str], behind_proxy: bool) -> Names {
        Names { port: 8765, hosts: hosts.iter().map(|host| (*host).to_owned()).collect(), behind_proxy }
    }

    fn status(names: &Names, method: &str, path: &str, lines: &[(&'static str, &str)]) -> u16 {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let answer = names.check(&method.parse().unwrap(), &path.parse().unwrap(), &headers);
        answer.map_or_else(|error| error.status().as_u16(), |()| 200)
    }

    #[test]
    fn only_our_names_are_answered() {
        let plain = names(&["photos.example.org", "other.example.org:8443"], false);
        for ours in ["localhost:8765", "LOCALHOST:8765", "127.0.0.1:8765", "[::1]:8765", "photos.example.org"] {
            assert_eq!(status(&plain, "GET", "/", &[("host", ours)]), 200, "{ours}");
        }
        assert_eq!(status(&plain, "GET", "/", &[("host", "photos.example.org:99")]), 200);
        assert_eq!(status(&plain, "GET", "/", &[("host", "other.example.org:8443")]), 200);
        let foreign = [
            "evil.example",
            "evil.example:8765",
            "localhost",
            "localhost:80",
            "127.0.0.2:8765",
            "localhost.evil.example:8765",
            "other.example.org",
            "",
            "localhost:8765:8765",
            "[::1]",
            "photos.example.org.",
            "evil@localhost:8765",
        ];
        for foreign in foreign {
            assert_eq!(status(&plain, "GET", "/", &[("host", foreign)]), 421, "{foreign}");
        }
        assert_eq!(status(&plain, "GET", "/", &[]), 421);
        assert_eq!(status(&plain, "GET", "/", &[("host", "localhost:8765"), ("host", "localhost:8765")]), 421);
        assert_eq!(status(&plain, "GET", "http://evil.example/", &[("host", "localhost:8765")]), 421);
        assert_eq!(status(&plain, "GET", "http://localhost:8765/", &[("host", "localhost:8765")]), 200);
    }

    proptest! {
        /// However names are put together, only those that were meant are ours.
        #[test]
        fn nothing_near_our_names_is_ours(host in "(localhost|127\\.0\\.0\\.1|\\[::1\\]|photos\\.example|evil|[.:@\\[\\]0-9a]){0,4}(:8765|:80|:)?") {
            let meant = ["localhost:8765", "127.0.0.1:8765", "[::1]:8765", "photos.example"].contains(&host.as_str());
            let with_port = host.strip_prefix("photos.example:").is_some_and(|port| port.parse::<u16>().is_ok());
            let ours = names(&["photos.example"], false).is_own_host(&host);
            prop_assert_eq!(ours, meant || with_port, "{}", host);
        }

        #[test]
        fn headers_of_any_bytes_are_answered(host in any::<Vec<u8>>(), origin in any::<Vec<u8>>()) {
            let mut headers = HeaderMap::new();
            for (name, bytes) in [(header::HOST, &host), (header::ORIGIN, &origin), (FETCH_SITE, &origin)] {
                if let Ok(value) = HeaderValue::from_bytes(bytes) {
                    headers.append(name, value);
                }
            }
            prop_assert!(names(&[], false).check(&Method::GET, &Uri::from_static("/"), &headers).is_err());
        }
    }

    #[test]
    fn other_origins_are_refused_whatever_they_ask() {
        let plain = names(&[], false);
        let host = ("host", "localhost:8765");
        assert_eq!(status(&plain, "POST", "/v1/runs", &[host, ("origin", "http://localhost:8765")]), 200);
        let others = [
            "null",
            "http://localhost:3000",
            "https://localhost:8765",
            "http://evil.example",
            "http://127.0.0.1:8765",
            "",
        ];
        for other in others {
            for method in ["GET", "POST", "OPTIONS"] {
                assert_eq!(status(&plain, method, "/v1/runs", &[host, ("origin", other)]), 403, "{method} {other}");
            }
        }
        let proxied = names(&["photos.example.org"], true);
        let origin = ("origin", "https://photos.example.org");
        assert_eq!(status(&proxied, "POST", "/v1/runs", &[("host", "photos.example.org"), origin]), 200);
        assert_eq!(status(&proxied, "POST", "/v1/runs", &[("host", "127.0.0.1:8765"), origin]), 200);
        assert_eq!(status(&proxied, "POST", "/v1/runs", &[host, ("origin", "https://evil.example")]), 403);
    }

    #[test]
    fn what_a_browser_says_of_other_sites_is_believed() {
        let plain = names(&[], false);
        let host = ("host", "localhost:8765");
        let link = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        for site in ["cross-site", "same-site"] {
            let site = ("sec-fetch-site", site);
            assert_eq!(status(&plain, "GET", "/v1/assets", &[host, site]), 403);
            assert_eq!(status(&plain, "GET", "/", &[host, site]), 403, "not even in an image or a frame");
            assert_eq!(status(&plain, "GET", "/runs/run_x", &[host, site, link[0], link[1]]), 200);
            assert_eq!(status(&plain, "GET", "/login?code=x", &[host, site, link[0], link[1]]), 200);
            assert_eq!(status(&plain, "GET", "/v1/me", &[host, site, link[0], link[1]]), 403);
            assert_eq!(status(&plain, "POST", "/", &[host, site, link[0], link[1]]), 403);
            assert_eq!(status(&plain, "GET", "/", &[host, site, link[0], ("sec-fetch-dest", "iframe")]), 403);
        }
        for site in ["same-origin", "none"] {
            assert_eq!(status(&plain, "POST", "/v1/runs", &[host, ("sec-fetch-site", site)]), 200);
        }
    }
}
