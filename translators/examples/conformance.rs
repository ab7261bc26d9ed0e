//! Answers cases as those of `testdata/conformance`: one JSON line in, one out,
//! `{"id", "ok", "output" | "error"}`.

use std::io::{self, BufRead, BufWriter, Write};

use serde_json::{Value, json};

#[path = "../tests/conformance/case.rs"]
mod case;

use case::Case;

fn main() -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        let case: Case<'_> = serde_json::from_str(&line)?;
        let answer = match case.answer() {
            Ok(output) => {
                let output: Value = serde_json::from_str(&output)?;
                json!({"id": case.id, "ok": true, "output": output})
            }
            Err(error) => json!({"id": case.id, "ok": false, "error": error}),
        };
        writeln!(out, "{answer}")?;
    }
    out.flush()
}
