//! A connection past the store: to look at what is really there, and to tamper with it.

use exhibit_store::Location;
use postgres::NoTls;
use rusqlite::types::Value as SqliteValue;

/// A second driver connection.
pub enum Raw {
    /// To a file.
    Sqlite(rusqlite::Connection),
    /// To a server.
    Postgres(postgres::Client),
}

/// One value of a row, so that it can be put back.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// SQL null.
    Null,
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Raw {
    /// Connects.
    pub fn connect(location: &Location) -> Self {
        match location {
            Location::Sqlite { path, .. } => {
                let connection = rusqlite::Connection::open(path).expect("the file");
                connection.busy_timeout(std::time::Duration::from_secs(60)).expect("a time limit");
                Self::Sqlite(connection)
            }
            Location::Postgres { address } => {
                Self::Postgres(postgres::Client::connect(address, NoTls).expect("the server"))
            }
        }
    }

    /// Runs statements.
    pub fn run(&mut self, text: &str) {
        match self {
            Self::Sqlite(connection) => connection.execute_batch(text).expect(text),
            Self::Postgres(client) => client.batch_execute(text).expect(text),
        }
    }

    /// A number.
    pub fn number(&mut self, text: &str) -> i64 {
        match self {
            Self::Sqlite(connection) => connection.query_row(text, [], |row| row.get(0)).expect(text),
            Self::Postgres(client) => client.query_one(text, &[]).expect(text).get(0),
        }
    }

    /// One cell.
    pub fn cell(&mut self, table: &str, column: &str, place: &str) -> Cell {
        let text = format!("select {column} from {table} where {place}");
        match self {
            Self::Sqlite(connection) => {
                let value: SqliteValue = connection.query_row(&text, [], |row| row.get(0)).expect(&text);
                match value {
                    SqliteValue::Null => Cell::Null,
                    SqliteValue::Integer(number) => Cell::Int(number),
                    SqliteValue::Text(text) => Cell::Text(text),
                    SqliteValue::Blob(bytes) => Cell::Bytes(bytes),
                    SqliteValue::Real(_) => panic!("no column of the spine is a float"),
                }
            }
            Self::Postgres(client) => {
                let row = client.query_one(&text, &[]).expect(&text);
                let cell = match row.columns()[0].type_().name() {
                    "int8" => row.get::<_, Option<i64>>(0).map(Cell::Int),
                    "text" => row.get::<_, Option<String>>(0).map(Cell::Text),
                    "bytea" => row.get::<_, Option<Vec<u8>>>(0).map(Cell::Bytes),
                    other => panic!("no column of the spine is of type {other}"),
                };
                cell.unwrap_or(Cell::Null)
            }
        }
    }

    /// Writes one cell.
    pub fn set(&mut self, table: &str, column: &str, place: &str, cell: &Cell) {
        let text = format!("update {table} set {column} = $1 where {place}");
        let changed = match self {
            Self::Sqlite(connection) => {
                let value = match cell.clone() {
                    Cell::Null => SqliteValue::Null,
                    Cell::Int(number) => SqliteValue::Integer(number),
                    Cell::Text(text) => SqliteValue::Text(text),
                    Cell::Bytes(bytes) => SqliteValue::Blob(bytes),
                };
                connection.execute(&text.replace("$1", "?1"), [value]).expect(&text) as u64
            }
            Self::Postgres(client) => match cell {
                Cell::Null => client.execute(&text.replace("$1", "null"), &[]).expect(&text),
                Cell::Int(number) => client.execute(&text, &[number]).expect(&text),
                Cell::Text(word) => client.execute(&text, &[word]).expect(&text),
                Cell::Bytes(bytes) => client.execute(&text, &[bytes]).expect(&text),
            },
        };
        assert_eq!(changed, 1, "{text}");
    }

    /// Everything in every table, as text: equal before and after what must not write.
    pub fn dump(&mut self) -> String {
        let mut dump = String::new();
        for table in self.tables() {
            dump.push_str(&format!("== {table}\n"));
            for row in self.rows(&table) {
                dump.push_str(&row);
                dump.push('\n');
            }
        }
        dump
    }

    /// The names of all tables.
    pub fn tables(&mut self) -> Vec<String> {
        let sqlite = "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name";
        let postgres = "select tablename::text from pg_tables where schemaname = current_schema() order by 1";
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare(sqlite).expect("a statement");
                let names = statement.query_map([], |row| row.get(0)).expect("names");
                names.map(|name| name.expect("a name")).collect()
            }
            Self::Postgres(client) => {
                client.query(postgres, &[]).expect("names").iter().map(|row| row.get(0)).collect()
            }
        }
    }

    fn rows(&mut self, table: &str) -> Vec<String> {
        let mut rows: Vec<String> = match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare(&format!("select * from \"{table}\"")).expect(table);
                let width = statement.column_count();
                let printed = statement.query_map([], |row| {
                    let cells: Vec<SqliteValue> = (0..width).map(|index| row.get(index)).collect::<Result<_, _>>()?;
                    Ok(format!("{cells:?}"))
                });
                printed.expect(table).map(|row| row.expect("a row")).collect()
            }
            Self::Postgres(client) => {
                let text = format!("select given::text from \"{table}\" as given");
                client.query(&text, &[]).expect(table).iter().map(|row| row.get(0)).collect()
            }
        };
        rows.sort();
        rows
    }
}
