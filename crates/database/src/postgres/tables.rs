//! What a PostgreSQL says of our tables as tables: which there are, their columns and keys, how much room they take; and
//! what is done to one as a whole.

use super::Session;
use crate::fault::Broken;
use crate::value::Value;

impl Session {
    pub(crate) fn tables(&mut self) -> Result<Vec<String>, Broken> {
        let sql = "SELECT table_name::text FROM information_schema.tables
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name";
        self.names(sql, &[])
    }

    pub(crate) fn columns(&mut self, table: &str) -> Result<Vec<String>, Broken> {
        let sql = "SELECT column_name::text FROM information_schema.columns
             WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position";
        self.names(sql, &[Value::Text(table)])
    }

    pub(crate) fn key(&mut self, table: &str) -> Result<Vec<String>, Broken> {
        let sql = "SELECT a.attname::text FROM pg_class c
             JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
             WHERE c.relnamespace = current_schema()::regnamespace AND c.relname::text = $1
             ORDER BY array_position(i.indkey::int2[], a.attnum)";
        self.names(sql, &[Value::Text(table)])
    }

    fn names(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Vec<String>, Broken> {
        let mut names = Vec::new();
        self.query_each(sql, &[values], |_, row| names.push(row.get(0)))?;
        Ok(names)
    }

    /// Rows, indexes and all.
    pub(crate) fn bytes(&mut self) -> Result<u64, Broken> {
        let sql = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
             WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace";
        let mut bytes: i64 = 0;
        self.query_each(sql, &[[]], |_, row| bytes = row.get(0))?;
        Ok(bytes as u64)
    }

    /// Waits for whoever has read this table for update; who only reads is not in the way.
    pub(crate) fn lock_table(&mut self, table: &str) -> Result<(), Broken> {
        self.batch(&format!("LOCK TABLE {table} IN EXCLUSIVE MODE"))
    }

    pub(crate) fn empty(&mut self, tables: &[String]) -> Result<(), Broken> {
        self.batch(&format!("TRUNCATE {}", tables.join(", ")))
    }
}
