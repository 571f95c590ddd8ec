//! A table as its columns, from which the statements that write it follow on both databases.

use exhibit_store::Sql;

/// Types of columns.
#[derive(Debug, Clone, Copy)]
pub(super) enum Type {
    Int,
    Real,
    Text,
    Bytes,
}

impl Type {
    fn postgres(self) -> &'static str {
        match self {
            Self::Int => "bigint",
            Self::Real => "double precision",
            Self::Text => "text",
            Self::Bytes => "bytea",
        }
    }
}

/// A table.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Columns in the order of the rows.
    pub(super) columns: &'static [(&'static str, Type)],
    /// The columns that name a row.
    pub(super) key: &'static [&'static str],
}

impl Table {
    /// The columns, for `select` and `insert`.
    pub(super) fn columns(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// Rows that a condition holds for, which reads the same on both databases.
    pub(super) fn select(&self, name: &'static str, condition: &str) -> Sql {
        let text = format!("select {} from {} where {condition}", self.columns(), self.name);
        Sql { name, sqlite: text.clone().into(), postgres: text.into() }
    }

    /// Rows whose column is in the list `$1`.
    pub(super) fn select_in(&self, name: &'static str, column: &str, sort: Type) -> Sql {
        let select = format!("select {} from {} where {column}", self.columns(), self.name);
        Sql {
            name,
            sqlite: format!("{select} in (select value from json_each($1))").into(),
            postgres: format!("{select} = any($1::{}[])", sort.postgres()).into(),
        }
    }

    fn values(&self, name: &'static str, after: &str) -> Sql {
        let (table, columns) = (self.name, self.columns());
        let places: Vec<String> = (1..=self.columns.len()).map(|place| format!("${place}")).collect();
        let arrays: Vec<String> =
            (1..).zip(self.columns).map(|(place, (_, sort))| format!("${place}::{}[]", sort.postgres())).collect();
        Sql {
            name,
            sqlite: format!("insert into {table} ({columns}) values ({}){after}", places.join(", ")).into(),
            postgres: format!("insert into {table} ({columns}) select * from unnest({}){after}", arrays.join(", "))
                .into(),
        }
    }

    /// Inserts rows that are not there.
    pub(super) fn insert(&self, name: &'static str) -> Sql {
        self.values(name, "")
    }

    /// Inserts rows, and leaves those alone that are there.
    pub(super) fn insert_new(&self, name: &'static str) -> Sql {
        self.values(name, " on conflict do nothing")
    }

    /// Inserts rows, or puts them in the place of those with the same key.
    pub(super) fn put(&self, name: &'static str) -> Sql {
        let set: Vec<String> = self
            .columns
            .iter()
            .filter(|(name, _)| !self.key.contains(name))
            .map(|(name, _)| format!("{name} = excluded.{name}"))
            .collect();
        self.values(name, &format!(" on conflict ({}) do update set {}", self.key.join(", "), set.join(", ")))
    }
}
