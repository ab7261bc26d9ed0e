//! A plan as people read it: a line for each object, then what all comes to, and
//! what to do next.

use std::collections::BTreeMap;
use std::io::Write;

use anstyle::{AnsiColor, Style};
use flex2csi_translators::plan::{Effect, Finding, VerdictKind};

use super::row::Row;
use super::survey::Found;

/// Where output is no terminal.
const WIDTH: usize = 120;
/// The last column is not made narrower than this: it breaks the line instead.
const NARROWEST: usize = 24;
/// Rows by which the columns' widths are chosen.
const SAMPLE: usize = 500;
/// Longer names are cut in the middle, unless all is asked for.
const LONGEST: usize = 44;
const GAP: usize = 2;

const READY: Style = AnsiColor::Green.on_default();
const IN_USE: Style = AnsiColor::Yellow.on_default();
const BLOCKED: Style = AnsiColor::Red.on_default();
const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// Writes rows as they come. The first ones are held back to see how wide the
/// columns have to be; nothing is kept after that.
pub struct Table<W: Write> {
    out: W,
    wide: bool,
    width: usize,
    waiting: Vec<Line>,
    widths: Option<Vec<usize>>,
    advice: BTreeMap<(u8, String), Advice>,
}

struct Line {
    cells: Vec<String>,
    verdict: VerdictKind,
}

/// What is to be done about objects that have a code.
struct Advice {
    count: u64,
    remedy: Option<String>,
}

const HEADER: [&str; 5] = ["OBJECT", "CLAIM", "FROM", "VERDICT", "WHY"];
const WIDE_HEADER: [&str; 7] = [
    "OBJECT",
    "CLAIM",
    "FROM",
    "CSI DRIVER",
    "HANDLE",
    "VERDICT",
    "WHY",
];

impl<W: Write> Table<W> {
    /// A table; `wide`: with what rows become, and nothing is cut.
    pub fn new(out: W, wide: bool, width: Option<usize>) -> Self {
        Self {
            out,
            wide,
            width: width.unwrap_or(WIDTH),
            waiting: Vec::new(),
            widths: None,
            advice: BTreeMap::new(),
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn row(&mut self, row: &Row) -> std::io::Result<()> {
        self.advise(row);
        let line = self.line(row);
        if self.widths.is_some() {
            return self.write(&line);
        }
        self.waiting.push(line);
        if self.waiting.len() >= SAMPLE {
            return self.begin();
        }
        Ok(())
    }

    fn line(&self, row: &Row) -> Line {
        let object = &row.object;
        let name = match object.namespace.as_str() {
            "" => object.name.clone(),
            namespace => format!("{namespace}/{}", object.name),
        };
        let claim = row.claim.as_ref();
        let claim = claim.map_or("-".to_owned(), |claim| {
            format!("{}/{}", claim.namespace, claim.name)
        });
        let mut cells = vec![
            format!("{}/{name}", short(&object.kind)),
            claim,
            row.from.clone(),
        ];
        if self.wide {
            let to = row.to.as_ref();
            let or_none = |text: Option<&str>| match text {
                None | Some("") => "-".to_owned(),
                Some(text) => text.to_owned(),
            };
            cells.push(or_none(to.map(|to| to.driver.as_str())));
            cells.push(or_none(to.map(|to| to.handle.as_str())));
        }
        cells.push(row.verdict.to_string());
        cells.push(self.why(row));
        for cell in &mut cells {
            // A name cannot hold these; a handle or a server's message can.
            if cell.contains(|c: char| c.is_control()) {
                *cell = cell
                    .chars()
                    .map(|c| if c.is_control() { ' ' } else { c })
                    .collect();
            }
        }
        Line {
            cells,
            verdict: row.verdict,
        }
    }

    fn why(&self, row: &Row) -> String {
        if self.wide {
            let all = row.findings.iter();
            let all = all.map(|finding| format!("{} [{}]", finding.message, finding.code));
            return all.collect::<Vec<_>>().join("; ");
        }
        // What only informs is in the plan file.
        let mut telling = row.findings.iter().filter(|finding| tells(finding));
        let Some(first) = telling.next() else {
            return String::new();
        };
        let more = match telling.count() {
            0 => String::new(),
            count => format!(" +{count}"),
        };
        format!("{} [{}]{more}", first.message, first.code)
    }

    /// What is to be done, by what decides first; warnings only where nothing
    /// holds the object up.
    fn advise(&mut self, row: &Row) {
        let rank = match row.verdict {
            VerdictKind::Blocked => 0,
            VerdictKind::InUse => 1,
            VerdictKind::Kept => 2,
            VerdictKind::Ready | VerdictKind::ReadyInUse => 3,
        };
        let firsts = match row.verdict {
            VerdictKind::Ready | VerdictKind::ReadyInUse => row.findings.len(),
            _ => 1,
        };
        for finding in row.findings.iter().take(firsts) {
            let use_is_no_matter =
                row.verdict == VerdictKind::ReadyInUse && finding.effect == Effect::InUse;
            if finding.remedy.is_empty() || use_is_no_matter {
                continue;
            }
            let key = (rank, finding.code.clone());
            let advice = self.advice.entry(key).or_insert_with(|| Advice {
                count: 0,
                remedy: Some(finding.remedy.clone()),
            });
            advice.count += 1;
            if advice
                .remedy
                .as_ref()
                .is_some_and(|remedy| *remedy != finding.remedy)
            {
                // Each its own: a wide table or the plan file has them.
                advice.remedy = None;
            }
        }
    }

    fn begin(&mut self) -> std::io::Result<()> {
        let header: &[&str] = if self.wide { &WIDE_HEADER } else { &HEADER };
        let fixed = header.len() - 1;
        let mut widths: Vec<usize> = header[..fixed].iter().map(|text| text.len()).collect();
        for line in &self.waiting {
            for (width, cell) in widths.iter_mut().zip(&line.cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        if !self.wide {
            for width in &mut widths {
                *width = (*width).min(LONGEST);
            }
        }
        self.widths = Some(widths);
        let header = Line {
            cells: header.iter().map(|text| (*text).to_owned()).collect(),
            verdict: VerdictKind::Kept,
        };
        self.write(&header)?;
        for line in std::mem::take(&mut self.waiting) {
            self.write(&line)?;
        }
        Ok(())
    }

    fn write(&mut self, line: &Line) -> std::io::Result<()> {
        let widths = self.widths.clone().unwrap_or_default();
        let last = widths.len();
        let verdict = last - 1;
        let mut text = String::new();
        let mut column = 0;
        for (place, (width, cell)) in widths.iter().zip(&line.cells).enumerate() {
            let cell = if self.wide {
                cell.clone()
            } else {
                cut(cell, *width)
            };
            let used = cell.chars().count();
            let fill = width.saturating_sub(used) + GAP;
            let style = match (place == verdict, line.verdict) {
                (true, VerdictKind::Ready | VerdictKind::ReadyInUse) => READY,
                (true, VerdictKind::InUse) => IN_USE,
                (true, VerdictKind::Blocked) => BLOCKED,
                _ => Style::new(),
            };
            text += &format!("{style}{cell}{style:#}{}", " ".repeat(fill));
            column += used.max(*width) + GAP;
        }
        let why = line.cells.get(last).map(String::as_str).unwrap_or_default();
        let room = self.width.saturating_sub(column).max(NARROWEST);
        let mut parts = match self.wide {
            true => vec![why.to_owned()],
            false => wrap(why, room),
        };
        let first = if parts.is_empty() {
            String::new()
        } else {
            parts.remove(0)
        };
        text += &first;
        writeln!(self.out, "{}", text.trim_end())?;
        for part in parts {
            writeln!(self.out, "{}{part}", " ".repeat(column))?;
        }
        Ok(())
    }

    /// Writes what all comes to, and what to do next.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn close(mut self, found: &Found, next: &str) -> std::io::Result<()> {
        if self.widths.is_none() && !self.waiting.is_empty() {
            self.begin()?;
        }
        let total: u64 = found.verdicts.values().sum();
        if total > 0 {
            writeln!(self.out)?;
        }
        let parts: Vec<String> = VerdictKind::ALL
            .iter()
            .filter_map(|kind| {
                found
                    .verdicts
                    .get(kind)
                    .map(|count| format!("{count} {kind}"))
            })
            .collect();
        let objects = if total == 1 { "object" } else { "objects" };
        let csi = match found.csi_volumes {
            0 => String::new(),
            1 => " 1 volume is CSI already.".to_owned(),
            count => format!(" {count} volumes are CSI already."),
        };
        if total == 0 {
            writeln!(
                self.out,
                "{BOLD}Nothing in legacy form was found.{BOLD:#}{csi}"
            )?;
        } else {
            writeln!(
                self.out,
                "{BOLD}{total} {objects} in legacy form: {}.{BOLD:#}{csi}",
                parts.join(", ")
            )?;
        }
        self.advice_text()?;
        if !next.is_empty() {
            writeln!(self.out, "\n{next}")?;
        }
        self.out.flush()
    }

    fn advice_text(&mut self) -> std::io::Result<()> {
        if self.advice.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "\nWhat to do:")?;
        let width = self
            .advice
            .keys()
            .map(|(_, code)| code.len())
            .max()
            .unwrap_or(0);
        let numbers = self
            .advice
            .values()
            .map(|advice| advice.count.to_string().len());
        let number = numbers.max().unwrap_or(0);
        let column = 2 + number + 2 + width + GAP;
        let room = self.width.saturating_sub(column).max(NARROWEST);
        for ((_, code), advice) in &self.advice {
            let remedy = advice.remedy.as_deref();
            let remedy =
                remedy.unwrap_or("each has its own remedy: in the plan file, and under -o yaml");
            let parts = wrap(remedy, room);
            let first = parts.first().map(String::as_str).unwrap_or_default();
            writeln!(
                self.out,
                "  {:>number$}  {DIM}{code:<width$}{DIM:#}  {first}",
                advice.count
            )?;
            for part in parts.iter().skip(1) {
                writeln!(self.out, "{}{part}", " ".repeat(column))?;
            }
        }
        Ok(())
    }
}

/// Whether a finding says more than what a translation always does.
fn tells(finding: &Finding) -> bool {
    !finding.remedy.is_empty() || finding.effect != Effect::Warn
}

/// The name of a kind as kubectl shortens it.
fn short(kind: &str) -> String {
    match kind {
        "PersistentVolume" => "pv".to_owned(),
        "StorageClass" => "sc".to_owned(),
        kind => kind.to_ascii_lowercase(),
    }
}

/// Cuts a text to a width in its middle, where names differ least.
fn cut(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let keep = width.saturating_sub(1);
    let front = keep / 2;
    let head: String = text.chars().take(front).collect();
    let tail: String = text.chars().skip(length - (keep - front)).collect();
    format!("{head}…{tail}")
}

/// Breaks a text into lines; a word that is longer than one stays whole.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_in_the_middle() {
        assert_eq!(cut("abcdefgh", 8), "abcdefgh");
        assert_eq!(cut("abcdefghi", 8), "abc…fghi");
        assert_eq!(cut("äöüäöüäöü", 3), "ä…ü");
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("a bb ccc", 4), ["a bb", "ccc"]);
        assert_eq!(wrap("tremendous", 4), ["tremendous"]);
        assert!(wrap("", 4).is_empty());
    }
}
