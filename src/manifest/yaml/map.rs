//! The members of a mapping while it is read.

use std::collections::HashMap;

use super::decode::push_string;
use crate::manifest::json_text::{Token, Tokens};

/// A mapping of which a part is in the output.
#[derive(Debug)]
pub(super) struct Map {
    /// Where its `{` is in the output.
    start: usize,
    members: Vec<Member>,
    /// From key to member.
    index: HashMap<String, usize>,
    /// The member whose value is being written.
    open: usize,
    /// The output has members that later ones replaced.
    replaced: bool,
}

#[derive(Debug)]
struct Member {
    /// Key, colon and value in the output.
    start: usize,
    end: usize,
    line: u64,
    /// It came with `<<`, so that it may be replaced.
    merged: bool,
}

/// A key that is there already.
#[derive(Debug)]
pub(super) struct Duplicate {
    pub(super) key: String,
    /// The line of the first.
    pub(super) first: u64,
}

impl Map {
    pub(super) fn open(out: &mut String) -> Self {
        let start = out.len();
        out.push('{');
        Self {
            start,
            members: Vec::new(),
            index: HashMap::new(),
            open: 0,
            replaced: false,
        }
    }

    /// Writes a key; its value has to follow.
    pub(super) fn key(
        &mut self,
        out: &mut String,
        key: String,
        line: u64,
    ) -> Result<(), Duplicate> {
        self.member(out, key, line, false)
    }

    fn member(
        &mut self,
        out: &mut String,
        key: String,
        line: u64,
        merged: bool,
    ) -> Result<(), Duplicate> {
        if out.len() > self.start + 1 {
            out.push(',');
        }
        let member = Member {
            start: out.len(),
            end: 0,
            line,
            merged,
        };
        push_string(out, &key);
        out.push(':');
        if let Some(&at) = self.index.get(&key) {
            // In kubectl what comes later wins, on either side of a `<<`.
            let old = std::mem::replace(&mut self.members[at], member);
            if !old.merged && !merged {
                return Err(Duplicate {
                    key,
                    first: old.line,
                });
            }
            self.open = at;
            self.replaced = true;
        } else {
            self.open = self.members.len();
            self.index.insert(key, self.open);
            self.members.push(member);
        }
        Ok(())
    }

    /// The value of the last key is complete.
    pub(super) fn value_written(&mut self, out: &str) {
        if let Some(member) = self.members.get_mut(self.open) {
            member.end = out.len();
        }
    }

    /// Adds the members of a mapping, or of a list of them, of which the first
    /// wins. `None` if `value`, which is JSON, is neither.
    pub(super) fn merge(&mut self, out: &mut String, value: &str, line: u64) -> Option<()> {
        let mut tokens = Tokens::new(value);
        let mut sources = Vec::new();
        match tokens.next()? {
            Token::ObjectStart => sources.push(value),
            Token::ArrayStart => {
                while let Some(source) = tokens.value().filter(|source| *source != "]") {
                    sources.push(source);
                }
            }
            _ => return None,
        }
        for source in sources.into_iter().rev() {
            let mut tokens = Tokens::new(source);
            if tokens.next()? != Token::ObjectStart {
                return None;
            }
            while let Some(Token::String(key)) = tokens.next() {
                let key = serde_json::from_str(key).ok()?;
                let value = tokens.value()?;
                // Merged members are never duplicates.
                self.member(out, key, line, true).ok()?;
                out.push_str(value);
                self.value_written(out);
            }
        }
        Some(())
    }

    /// Writes the end; where the mapping starts in the output.
    pub(super) fn close(self, out: &mut String) -> usize {
        if self.replaced {
            let members: Vec<&str> = self
                .members
                .iter()
                .filter_map(|member| out.get(member.start..member.end))
                .collect();
            let members = members.join(",");
            out.truncate(self.start + 1);
            out.push_str(&members);
        }
        out.push('}');
        self.start
    }
}
