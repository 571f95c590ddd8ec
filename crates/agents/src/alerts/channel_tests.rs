//! Tests of channels and their addresses.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Channel, Problem, Secret};

fn channel(fields: &Value) -> Value {
    let mut body = json!({"id": "ops", "url": "https://hooks.example.org/x", "secret": "0123456789abcdef"});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[test]
fn channels_are_read_strictly_and_their_secret_is_written_nowhere() {
    let made = Channel::create(&channel(&json!({})), false).unwrap();
    assert_eq!(
        serde_json::to_string(&made).unwrap(),
        r#"{"id":"ops","url":"https://hooks.example.org/x","enabled":true}"#
    );
    assert!(!format!("{made:?}").contains("0123456789"));
    assert_eq!(made.secret.reveal(), "0123456789abcdef");
    for (fields, expected) in [
        (json!({"id": null}), "id is required"),
        (json!({"url": null}), "url is required"),
        (json!({"secret": null}), "secret is required"),
        (json!({"id": "a b"}), "id is not valid"),
        (json!({"id": ""}), "id is not valid"),
        (json!({"id": "x".repeat(65)}), "id is not valid"),
        (json!({"secret": "short"}), "secret is not valid"),
        (json!({"secret": "x".repeat(257)}), "secret is not valid"),
        (json!({"enabled": 1}), "enabled is not valid"),
        (json!({"name": "x"}), "name is not supported"),
    ] {
        let problem = Channel::create(&channel(&fields), false).unwrap_err();
        assert_eq!(problem.to_string(), expected);
    }
    let patched = made.patched(&json!({"enabled": false, "secret": null}), false).unwrap();
    assert_eq!(patched, Channel { enabled: false, ..made.clone() });
    assert_eq!(made.patched(&json!({"id": "dev"}), false), Err(Problem::NotValid("id".to_owned())));
    assert_eq!(made.patched(&json!({"id": "ops"}), false), Ok(made));
}

#[test]
fn addresses_that_two_readers_could_understand_differently_are_refused() {
    let takes = |url: &str, plain| Channel::create(&channel(&json!({"url": url})), plain).is_ok();
    for good in [
        "https://example.org",
        "HTTPS://example.org:8443/a/b?c=d&e=%20",
        "https://10.0.0.1/hook",
        "https://[2001:db8::1]:443/",
        "https://under_score.example.org/?q",
        "http://localhost:9000/hook",
        "http://127.0.0.53/",
        "http://[::1]:80",
    ] {
        assert!(takes(good, false), "{good}");
    }
    for plain in ["http://example.org/", "http://10.0.0.1/", "http://localhost.example.org/", "http://[2001:db8::1]/"] {
        assert!(!takes(plain, false), "{plain}");
        assert!(takes(plain, true), "{plain}");
    }
    let long = format!("https://example.org/{}", "x".repeat(2_048));
    for wrong in [
        "",
        "example.org",
        "ftp://example.org",
        "https://",
        "https:///x",
        "https://user@example.org/",
        "https://user:pass@example.org/",
        "http://localhost@example.org/",
        "http://localhost:80@example.org/",
        "https://example.org#f",
        "https://exa mple.org",
        "https://example.org\\@localhost/",
        "https://example..org/",
        "https://example.org./",
        "https://example.org:0/",
        "https://example.org:/",
        "https://example.org:65536/",
        "https://example.org:+1/",
        "https://[::1/",
        "https://[::1]x/",
        "https://[nonsense]/",
        "https://exämple.org/",
        "javascript://localhost",
        "https://example.org/\n",
        "http://127.0.0.1:1:2/",
        &long,
    ] {
        assert!(!takes(wrong, true), "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_address_panics_and_plain_http_stays_here(url in "(https?://)?[\\[\\]a-z0-9.:@/?#%\\\\é-]{0,30}") {
        if let Ok(channel) = Channel::create(&channel(&json!({"url": url})), false) {
            let url = channel.url.to_ascii_lowercase();
            let here = ["http://localhost", "http://127.", "http://["].iter().any(|start| url.starts_with(start));
            prop_assert!(url.starts_with("https://") || here);
        }
    }

    #[test]
    fn no_secret_is_shown(text in "\\PC{16,60}") {
        if let Some(secret) = Secret::parse(&text) {
            prop_assert_eq!(format!("{secret:?}"), "(secret)");
        }
    }
}
