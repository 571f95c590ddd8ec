//! Tests of what counts as a statement.

use super::is_statement;

#[test]
fn statements_are_told_from_sentences() {
    let statements = [
        "select a from b",
        "\n    select a,\n b\n from c",
        "select 1",
        "select count(*)",
        "insert into a values (1)",
        "insert or ignore into a values (1)",
        "update a set b = 1",
        "delete from a",
        "create table a (b int)",
        "create unique index a on b (c)",
        "create or replace view a",
        "create virtual table a using fts5",
        "with a as (select 1) select * from a",
        "with recursive a as (select 1)",
        "alter table a add b",
        "drop table a",
        "drop index a",
    ];
    for text in statements {
        assert!(is_statement(text), "{text}");
    }
    let sentences = [
        "",
        "select",
        "select a source",
        "update the index",
        "delete the folder",
        "create the folder first",
        "create a pipeline",
        "with the wrong scope",
        "drop it",
        "Select a from b",
        "selected from",
        "alternative table",
    ];
    for text in sentences {
        assert!(!is_statement(text), "{text}");
    }
}
