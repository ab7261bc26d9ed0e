//! What docs/plan.md says of codes is what the code says.

use std::fmt::Write;
use std::path::Path;

use flex2csi_translators::plan::{Effect, FindingCode};

const BEGIN: &str = "<!-- codes: written by the test tests/plan/documentation.rs -->\n";
const END: &str = "<!-- end of codes -->\n";

fn codes() -> String {
    let mut text = String::new();
    for (effect, heading) in [
        (Effect::Block, "blocked"),
        (Effect::InUse, "in use"),
        (Effect::Proof, "ready while in use"),
        (Effect::Warn, "warnings"),
        (Effect::Keep, "kept"),
    ] {
        write!(
            text,
            "\n### {heading}\n\n| code | what it says | what to do |\n|---|---|---|\n"
        )
        .unwrap();
        for code in FindingCode::ALL
            .iter()
            .filter(|code| code.effect() == effect)
        {
            let (name, meaning, remedy) = (code.as_str(), code.meaning(), code.remedy());
            writeln!(text, "| `{name}` | {meaning} | {remedy} |").unwrap();
        }
    }
    text.push('\n');
    text
}

#[test]
fn every_code_is_explained() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plan.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, format!("{before}{BEGIN}{}{END}{after}", codes())).unwrap();
        return;
    }
    assert!(
        written == codes(),
        "docs/plan.md is not what the code says; UPDATE_GOLDEN=1 writes it"
    );
}
