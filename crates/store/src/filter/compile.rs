//! Conditions to one statement with parameters. What only patterns can tell is left open there and decided on its rows.

use super::ast::{Availability, Comparison, NumberField, TextField};
use super::bind::{Bound, Leaf, Node, STEPS_PER_RUN};
use super::value::{Moment, Period};
use crate::session::Backend;
use crate::value::{Sql, Value};

/// A statement that gives candidates in the order of asset keys: key, SHA-256, then what patterns need.
pub(super) struct Statement {
    pub(super) sql: Sql,
    /// Key to start after, rows at most, then those of the conditions.
    pub(super) params: Vec<Value>,
    /// Whether it leaves something open: then each row says which conditions hold, in the order of the tree.
    pub(super) has_patterns: bool,
    /// How many conditions each row tells of.
    pub(super) decided: usize,
    /// Whether each row ends with maker, model and lens.
    pub(super) has_texts: bool,
    /// Whether the paths of the candidates are needed.
    pub(super) needs_paths: bool,
}

/// Media types of a class lie between `image/` and `image0`: `0` follows the slash.
const CLASSES: [&str; 3] = ["image", "video", "audio"];

struct Compiler<'a> {
    backend: Backend,
    after: i64,
    params: Vec<Value>,
    facts: Option<&'a str>,
    /// The text of each condition that SQL can decide, in the order of the tree.
    leaves: Vec<String>,
}

pub(super) fn compile(bound: &Bound, backend: Backend, after: i64, limit: i64) -> Statement {
    let facts = bound.facts.as_deref();
    let params = vec![after.into(), limit.into()];
    let mut compiler = Compiler { backend, after, params, facts, leaves: Vec::new() };
    let condition = compiler.node(&bound.root, false);
    let mut patterns = Vec::new();
    collect_patterns(&bound.root, &mut patterns);
    let reads_facts = facts.filter(|_| uses_facts(&bound.root));
    let has_texts = patterns.iter().any(|field| matches!(field, Some(TextField::Camera | TextField::Lens)));
    let mut columns = "assets.asset, assets.sha256".to_owned();
    let decided = if patterns.is_empty() { 0 } else { compiler.leaves.len() };
    for leaf in compiler.leaves.iter().take(decided) {
        columns.push_str(&format!(", cast(case when {leaf} then 1 else 0 end as bigint)"));
    }
    if has_texts && reads_facts.is_some() {
        columns.push_str(", facts.camera_make, facts.camera_model, facts.lens_model");
    }
    let join = reads_facts.map(|table| facts_join(table, backend)).unwrap_or_default();
    // Goes along the primary key of assets, or along what a condition lists.
    let text = format!(
        "select {columns} from assets{join} where assets.asset > $1 and ({condition}) order by assets.asset limit $2"
    );
    Statement {
        sql: Sql { name: "filter_page", sqlite: text.clone().into(), postgres: text.into() },
        params: compiler.params,
        has_patterns: !patterns.is_empty(),
        decided,
        has_texts: has_texts && reads_facts.is_some(),
        needs_paths: patterns.iter().any(|field| matches!(field, None | Some(TextField::Path))),
    }
}

/// Columns of the facts that filters and lists ask for.
const FACTS: &str = "near.captured_at, near.captured_source, near.captured_floating, near.camera_make, near.camera_model, \
     near.lens_model, near.oriented_width, near.oriented_height, near.duration_ms";

/// Joins the newest facts of an asset that count, as `facts`. Uses the index on (asset, seq) of the projection table: both texts look
/// each asset up, because PostgreSQL would rather read all facts for a page of assets when it is given the text of SQLite.
pub fn facts_join(table: &str, backend: Backend) -> String {
    let newest = countable(table, "near", "near.asset = assets.asset");
    match backend {
        Backend::Sqlite => format!(" left join \"{table}\" as facts on facts.seq = (select max(near.seq) {newest})"),
        Backend::Postgres => {
            format!(" left join lateral (select {FACTS} {newest} order by near.seq desc limit 1) as facts on true")
        }
    }
}

/// `from … where …` over the rows of a projection table that count: their body is there and their run is shown.
pub fn countable(table: &str, alias: &str, condition: &str) -> String {
    format!(
        "from \"{table}\" as {alias} join records on records.seq = {alias}.seq join units on units.unit = records.unit \
         join runs on runs.run = units.run where {condition} and records.body is not null and runs.shown = 1"
    )
}

fn collect_patterns(node: &Node, found: &mut Vec<Option<TextField>>) {
    match node {
        Node::All(parts) | Node::Any(parts) => parts.iter().for_each(|part| collect_patterns(part, found)),
        Node::Not(inner) => collect_patterns(inner, found),
        Node::Leaf(Leaf::Pattern(field, _)) => found.push(*field),
        Node::Leaf(_) => {}
    }
}

fn uses_facts(node: &Node) -> bool {
    match node {
        Node::All(parts) | Node::Any(parts) => parts.iter().any(uses_facts),
        Node::Not(inner) => uses_facts(inner),
        Node::Leaf(Leaf::Taken(_) | Leaf::Pattern(Some(TextField::Camera | TextField::Lens), _)) => true,
        Node::Leaf(Leaf::Number(field, _)) => *field != NumberField::Size,
        Node::Leaf(_) => false,
    }
}

impl Compiler<'_> {
    fn param(&mut self, value: impl Into<Value>) -> String {
        self.params.push(value.into());
        format!("${}", self.params.len())
    }

    fn list(&mut self, keys: &[i64]) -> String {
        let place = self.param(Value::List(keys.iter().map(|key| Value::Int(*key)).collect()));
        match self.backend {
            Backend::Sqlite => format!("in (select value from json_each({place}))"),
            Backend::Postgres => format!("= any({place}::bigint[])"),
        }
    }

    /// The condition, or its opposite. Opposites are taken at the leaves, so that what is left open is open for both.
    fn node(&mut self, node: &Node, opposite: bool) -> String {
        let (parts, all) = match node {
            Node::Not(inner) => return self.node(inner, !opposite),
            Node::Leaf(Leaf::Pattern(..)) => return "true".to_owned(),
            Node::Leaf(leaf) => {
                let text = format!("({})", self.leaf(leaf, opposite));
                self.leaves.push(text.clone());
                // What is not known does not fulfil a condition, and so fulfils its opposite.
                return if opposite { format!("not coalesce({text}, false)") } else { text };
            }
            Node::All(parts) => (parts, true),
            Node::Any(parts) => (parts, false),
        };
        let texts: Vec<String> = parts.iter().map(|part| self.node(part, opposite)).collect();
        if texts.is_empty() {
            return if all != opposite { "true" } else { "false" }.to_owned();
        }
        format!("({})", texts.join(if all != opposite { " and " } else { " or " }))
    }

    fn leaf(&mut self, leaf: &Leaf, opposite: bool) -> String {
        match leaf {
            Leaf::Class(class) => self.class(class),
            Leaf::OtherClass => {
                let classes: Vec<String> = CLASSES.iter().map(|class| format!("not ({})", self.class(class))).collect();
                classes.join(" and ")
            }
            Leaf::MediaType(media_type) => format!("assets.media_type = {}", self.param(media_type.as_str())),
            Leaf::Taken(_) | Leaf::Number(NumberField::Width | NumberField::Height | NumberField::Duration, _)
                if self.facts.is_none() =>
            {
                "false".to_owned()
            }
            Leaf::Taken(comparison) => self.taken(comparison, opposite),
            Leaf::Number(field, comparison) => {
                let column = match field {
                    NumberField::Size => "assets.size_bytes",
                    NumberField::Width => "facts.oriented_width",
                    NumberField::Height => "facts.oriented_height",
                    NumberField::Duration => "facts.duration_ms",
                };
                self.number(column, comparison)
            }
            // Uses paths_asset.
            Leaf::Source(source) => {
                let source = self.param(*source);
                format!(
                    "exists (select 1 from paths where paths.asset = assets.asset and paths.source = {source} and paths.state < 2)"
                )
            }
            Leaf::Is(availability) => {
                let present = "select 1 from paths where paths.asset = assets.asset and paths.state = 0";
                match availability {
                    Availability::Present => format!("exists ({present})"),
                    Availability::Missing => format!("not exists ({present})"),
                    Availability::Duplicate => format!("exists ({present} limit 1 offset 1)"),
                }
            }
            Leaf::Has(tables) => {
                let some = |table: &String| {
                    format!("exists (select 1 {})", countable(table, "fact", "fact.asset = assets.asset"))
                };
                tables.iter().map(some).collect::<Vec<_>>().join(" or ")
            }
            // Uses units_asset. States 2 to 5 are the ends that a unit can come to by itself: done, done-empty, reused, failed.
            Leaf::Failed(steps) => {
                let steps = self.list(steps);
                format!(
                    "(select units.state from units where units.asset = assets.asset and units.state in (2, 3, 4, 5) \
                     and units.run * {STEPS_PER_RUN} + units.step {steps} order by units.unit desc limit 1) = 5"
                )
            }
            // Uses the primary key of collection_members.
            Leaf::Members(definition) => {
                let definition = self.param(*definition);
                format!("assets.asset in (select asset from collection_members where definition = {definition})")
            }
            // In order, and what earlier pages went over is not sent again.
            Leaf::Listed(keys) => {
                let left = &keys[keys.partition_point(|key| *key <= self.after)..];
                format!("assets.asset {}", self.list(left))
            }
            Leaf::Pattern(..) => "true".to_owned(),
        }
    }

    fn class(&mut self, class: &str) -> String {
        let (low, high) = (self.param(format!("{class}/")), self.param(format!("{class}0")));
        format!("assets.media_type >= {low} and assets.media_type < {high}")
    }

    fn number(&mut self, column: &str, comparison: &Comparison<u64>) -> String {
        let mut place = |value: &u64| self.param(*value as i64);
        match comparison {
            Comparison::Exactly(value) => format!("{column} = {}", place(value)),
            Comparison::Below(value) => format!("{column} < {}", place(value)),
            Comparison::AtMost(value) => format!("{column} <= {}", place(value)),
            Comparison::Above(value) => format!("{column} > {}", place(value)),
            Comparison::AtLeast(value) => format!("{column} >= {}", place(value)),
            Comparison::Between(from, to) => format!("{column} between {} and {}", place(from), place(to)),
        }
    }

    /// Times that know their offset are compared as moments, floating ones as what the clock on the wall showed.
    fn taken(&mut self, comparison: &Comparison<Period>, opposite: bool) -> String {
        // From the first on, before the second.
        let (from, to) = match comparison {
            Comparison::Exactly(period) => (Some(period.start()), Some(period.end())),
            Comparison::Below(period) => (None, Some(period.start())),
            Comparison::AtMost(period) => (None, Some(period.end())),
            Comparison::Above(period) => (Some(period.end()), None),
            Comparison::AtLeast(period) => (Some(period.start()), None),
            Comparison::Between(first, last) => (Some(first.start()), Some(last.end())),
        };
        let bounds = |utc: bool| {
            let pick = |moment: Moment| if utc { moment.utc_us } else { moment.wall_us };
            (from.map_or(i64::MIN, pick), to.map_or(i64::MAX, pick))
        };
        let (wall, utc) = (bounds(false), bounds(true));
        let table = self.facts.unwrap_or_default();
        let mut within = |column: &str, (from, to): (i64, i64)| {
            let (from, to) = (self.param(from), self.param(to));
            format!("{column} >= {from} and {column} < {to}")
        };
        // The first part finds candidates by the index on captured_at; the second one looks at the facts that count.
        let candidates = if opposite {
            String::new()
        } else {
            let near = within("near.captured_at", (wall.0.min(utc.0), wall.1.max(utc.1)));
            format!("assets.asset in (select near.asset from \"{table}\" as near where {near}) and ")
        };
        if wall == utc {
            return format!("{candidates}{}", within("facts.captured_at", utc));
        }
        let (utc, wall) = (within("facts.captured_at", utc), within("facts.captured_at", wall));
        format!("{candidates}case when coalesce(facts.captured_floating, 0) = 1 then {wall} else {utc} end")
    }
}
