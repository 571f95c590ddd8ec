//! Names of models and providers: what different tools call the same thing.

/// Names of providers that mean the same one: those of OpenTelemetry (`gen_ai.provider.name`), LiteLLM and models.dev.
const PROVIDERS: &[(&str, &[&str])] = &[
    ("google", &["gemini", "gcp.gemini", "gcp.gen_ai", "google-ai-studio", "google_genai", "google-genai"]),
    ("google-vertex", &["vertex_ai", "gcp.vertex_ai", "vertexai", "google-vertex-anthropic"]),
    ("amazon-bedrock", &["bedrock", "bedrock_converse", "aws.bedrock", "aws_bedrock"]),
    (
        "azure",
        &["azure.ai.openai", "azure.ai.inference", "az.ai.openai", "az.ai.inference", "azure_ai", "azure_openai"],
    ),
    ("xai", &["x_ai", "x-ai"]),
    ("mistral", &["mistral_ai", "mistralai"]),
    ("openai", &["openai-responses", "openai_chat", "text-completion-openai"]),
    ("moonshotai", &["moonshot", "moonshot_ai"]),
    ("zai", &["zhipuai", "z-ai", "z.ai"]),
    ("alibaba", &["dashscope", "qwen"]),
    ("cohere", &["cohere_chat"]),
];

/// What LiteLLM calls the many sorts of models at one provider.
const VERTEX_PREFIX: &str = "vertex_ai-";

/// Who makes the models whose names begin so. Where several providers sell a model and nobody says which one was used, its maker's price
/// is the list price that people expect.
const MAKERS: &[(&str, &str)] = &[
    ("claude", "anthropic"),
    ("gpt-", "openai"),
    ("chatgpt", "openai"),
    ("codex", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("text-embedding-", "openai"),
    ("gemini", "google"),
    ("grok", "xai"),
    ("mistral", "mistral"),
    ("codestral", "mistral"),
    ("devstral", "mistral"),
    ("deepseek", "deepseek"),
    ("kimi", "moonshotai"),
    ("glm", "zai"),
    ("qwen", "alibaba"),
    ("command", "cohere"),
];

/// Makers that clouds put before the names of models, with a dot after them and perhaps a region before.
const VENDORS: &[&str] =
    &["anthropic.", "openai.", "google.", "meta.", "mistral.", "amazon.", "deepseek.", "cohere.", "qwen."];

/// Words after the name of a model that mean another size or sort of it, which has prices of its own.
const OTHER_SORTS: &[&str] = &[
    "mini",
    "nano",
    "micro",
    "lite",
    "small",
    "medium",
    "large",
    "pro",
    "max",
    "ultra",
    "plus",
    "turbo",
    "fast",
    "flash",
    "audio",
    "realtime",
    "image",
    "tts",
    "transcribe",
    "deep",
    "embedding",
    "search",
    "free",
    "spark",
];

/// The one name of a provider.
pub(super) fn provider_of(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase();
    if name.starts_with(VERTEX_PREFIX) {
        return "google-vertex".to_owned();
    }
    PROVIDERS.iter().find(|(_, others)| others.contains(&name.as_str())).map_or(name, |(one, _)| (*one).to_owned())
}

/// Who makes a model, when its name tells.
pub(super) fn maker_of(model: &str) -> Option<&'static str> {
    MAKERS.iter().find(|(start, _)| model.starts_with(start)).map(|(_, maker)| *maker)
}

/// Shorter names that may mean the same model, the nearest first: in small letters, without a mark in brackets, without the provider
/// before it, without the revision of a cloud, without `latest` and without a date.
pub(super) fn shortened(name: &str) -> Vec<String> {
    let lower = name.trim().to_ascii_lowercase();
    let mut forms: Vec<String> = Vec::new();
    let mut form = lower.as_str();
    let steps: [fn(&str) -> &str; 7] =
        [|it| it, without_brackets, without_path, without_vendor, without_revision, without_latest, without_date];
    for step in steps {
        form = step(form);
        if !form.is_empty() && form != name && forms.last().is_none_or(|last| last != form) {
            forms.push(form.to_owned());
        }
    }
    forms
}

/// Names that a name begins with, the longest first, each ended by a separator. What follows must not say that it is another model:
/// `claude-opus-4` costs three times what `claude-opus-4-5` does, and `o3` a tenth of `o3-pro`. A guess may be rough, but not that rough.
pub(super) fn prefixes(name: &str) -> impl Iterator<Item = &str> {
    name.rmatch_indices(['-', '@', ':', '_']).filter_map(|(place, _)| {
        let (head, rest) = (&name[..place], &name[place + 1..]);
        (!head.is_empty() && !begins_with_version(rest) && !begins_with_sort(rest)).then_some(head)
    })
}

/// A word that makes another model of the same family.
fn begins_with_sort(rest: &str) -> bool {
    let word = rest.split(|it: char| !it.is_ascii_alphanumeric()).next().unwrap_or(rest);
    OTHER_SORTS.contains(&word)
}

/// One to three digits, and then nothing or a separator.
fn begins_with_version(rest: &str) -> bool {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    (1..=3).contains(&digits) && rest.as_bytes().get(digits).is_none_or(|next| !next.is_ascii_alphanumeric())
}

/// `claude-sonnet-4-5[1m]` is `claude-sonnet-4-5`.
fn without_brackets(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}

/// `openrouter/anthropic/claude-sonnet-4.5` is `claude-sonnet-4.5`.
fn without_path(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// `us.anthropic.claude-sonnet-4-5` is `claude-sonnet-4-5`.
fn without_vendor(name: &str) -> &str {
    let after = |vendor: &&str| {
        let place = name.find(*vendor)?;
        (place == 0 || name.as_bytes().get(place - 1) == Some(&b'.')).then(|| &name[place + vendor.len()..])
    };
    VENDORS.iter().find_map(after).unwrap_or(name)
}

/// `claude-sonnet-4-5-20250929-v1:0` and `claude-sonnet-4-5@20250929` end before the revision.
fn without_revision(name: &str) -> &str {
    let name = name.split('@').next().unwrap_or(name);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let name = match name.rsplit_once(':') {
        Some((head, revision)) if is_number(revision) => head,
        _ => name,
    };
    match name.rsplit_once("-v") {
        Some((head, revision)) if is_number(revision) => head,
        _ => name,
    }
}

fn without_latest(name: &str) -> &str {
    name.strip_suffix("-latest").unwrap_or(name)
}

/// `-20250929` or `-2025-09-29` at the end.
fn without_date(name: &str) -> &str {
    let cut = |length: usize, is_date: fn(&[u8]) -> bool| {
        let place = name.len().checked_sub(length)?;
        (place > 0 && is_date(&name.as_bytes()[place..])).then(|| &name[..place])
    };
    let short = |tail: &[u8]| tail[0] == b'-' && tail[1..].iter().all(u8::is_ascii_digit) && &tail[1..3] == b"20";
    let long = |tail: &[u8]| {
        tail.iter().enumerate().all(|(place, byte)| match place {
            0 | 5 | 8 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    };
    // `-YYYYMMDD` has 9 bytes, `-YYYY-MM-DD` has 11.
    cut(9, short).or_else(|| cut(11, long)).unwrap_or(name)
}
