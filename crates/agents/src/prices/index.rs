//! Which model of a list a call means.

use std::collections::{HashMap, HashSet};

use exhibit_model::findings::Findings;

use super::names::{maker_of, prefixes, provider_of, shortened};
use super::snapshot::{ModelPrices, NAME_BYTES_MAX};

/// How a model was found, the surest way first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchBy {
    /// By its provider and its name.
    ProviderAndModel,
    /// By its name.
    Model,
    /// By another name of it.
    Alias,
    /// By its name without a date or without what stands before it.
    Shortened,
    /// By the longest name that it begins with.
    Prefix,
}

/// A model that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match<'a> {
    /// What it costs.
    pub model: &'a ModelPrices,
    /// How it was found.
    pub by: MatchBy,
    /// Whether several providers sell it at different prices, and nothing says which one was meant.
    pub contested: bool,
}

impl Match<'_> {
    /// Whether the model is a guess.
    pub fn is_assumed(&self) -> bool {
        self.contested || matches!(self.by, MatchBy::Shortened | MatchBy::Prefix)
    }
}

/// The names of a list.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    models: HashMap<String, Vec<usize>>,
    aliases: HashMap<String, Vec<usize>>,
    /// The one name of the provider of each model.
    providers: Vec<Option<String>>,
}

impl Index {
    /// The index of a list, and a `duplicate_name` for each name that means two models of one provider, alias or not.
    pub(super) fn of(models: &[ModelPrices]) -> (Self, Findings) {
        let mut index = Self::default();
        let mut taken = HashSet::new();
        let mut findings = Findings::new();
        for (place, model) in models.iter().enumerate() {
            let mut take = |name: &str, pointer: String| {
                if !taken.insert((model.provider.clone(), name.to_owned())) {
                    findings.add(pointer, "duplicate_name", format!("`{name}` means another model of this provider"));
                }
            };
            take(&model.model, format!("/models/{place}/model"));
            index.models.entry(model.model.clone()).or_default().push(place);
            for (nth, alias) in model.aliases.iter().enumerate() {
                take(alias, format!("/models/{place}/aliases/{nth}"));
                index.aliases.entry(alias.clone()).or_default().push(place);
            }
            index.providers.push(model.provider.as_deref().map(provider_of));
        }
        (index, findings)
    }

    /// The model that a provider and a name mean: as they are, then shortened, then the longest beginning that is a name.
    pub(super) fn find<'a>(&self, models: &'a [ModelPrices], provider: Option<&str>, name: &str) -> Option<Match<'a>> {
        if name.len() > NAME_BYTES_MAX {
            return None;
        }
        let provider = provider.map(provider_of);
        let provider = provider.as_deref();
        if let Some(found) = self.exact(models, provider, name) {
            return Some(found);
        }
        let forms = shortened(name);
        for form in &forms {
            if let Some(found) = self.exact(models, provider, form) {
                return Some(Match { by: MatchBy::Shortened, ..found });
            }
        }
        let shortest = forms.last().map_or(name, String::as_str);
        let found = prefixes(shortest).find_map(|prefix| self.exact(models, provider, prefix))?;
        Some(Match { by: MatchBy::Prefix, ..found })
    }

    fn exact<'a>(&self, models: &'a [ModelPrices], provider: Option<&str>, name: &str) -> Option<Match<'a>> {
        let (places, is_alias) = match (self.models.get(name), self.aliases.get(name)) {
            (Some(places), _) => (places, false),
            (None, Some(places)) => (places, true),
            (None, None) => return None,
        };
        let (place, contested) = self.choose(models, places, provider, name)?;
        let same_provider = provider.is_some() && self.providers.get(place)?.as_deref() == provider;
        let by = match (is_alias, same_provider) {
            (true, _) => MatchBy::Alias,
            (false, true) => MatchBy::ProviderAndModel,
            (false, false) => MatchBy::Model,
        };
        Some(Match { model: models.get(place)?, by, contested })
    }

    /// Of the models that share a name: that of the provider, one for any provider, that of its maker, the only one; and when they differ
    /// and nothing decides, the first by provider that costs anything, contested.
    fn choose(
        &self,
        models: &[ModelPrices],
        places: &[usize],
        provider: Option<&str>,
        name: &str,
    ) -> Option<(usize, bool)> {
        let of = |wanted: Option<&str>| {
            places.iter().copied().find(|place| self.providers.get(*place).is_some_and(|it| it.as_deref() == wanted))
        };
        let decided = provider
            .and_then(|provider| of(Some(provider)))
            .or_else(|| of(None))
            .or_else(|| maker_of(&name.to_ascii_lowercase()).and_then(|maker| of(Some(maker))));
        if let Some(place) = decided {
            return Some((place, false));
        }
        let first = *places.first()?;
        let prices = |place: usize| models.get(place).map(|model| (&model.prices, &model.tiers));
        if places.iter().all(|place| prices(*place) == prices(first)) {
            return Some((first, false));
        }
        let is_free = |place: usize| prices(place).is_some_and(|(prices, _)| prices.input == 0 && prices.output == 0);
        let place = places.iter().copied().min_by_key(|place| (is_free(*place), self.providers.get(*place)))?;
        Some((place, true))
    }
}
