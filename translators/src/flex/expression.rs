//! CEL expressions, fenced. Only this module knows the `cel` crate, and takes
//! its parser alone.
//!
//! The crate's interpreter bounds neither run time nor stack, prints values in
//! its errors, compiles a regular expression at each call, and takes 0.3 µs for
//! one call of a function, which is a tenth of what a volume may take. So a
//! source is short and flat ([`fence`]), its tree is checked and turned into one
//! of our own, with names, functions and patterns resolved and what is constant
//! worked out ([`lower`]), and that is evaluated on borrowed JSON
//! ([`interpret`]). A test compares the results with the crate's.

mod fence;
mod functions;
mod interpret;
mod lower;
mod node;
mod parse;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use self::node::Node;
use super::view::{Scope, View};

/// The name of a variable.
pub(super) const PV: &str = "pv";
/// The name of a variable.
pub(super) const OPTIONS: &str = "options";
/// The name of a variable.
pub(super) const STORAGE_CLASS: &str = "storageClass";
/// The name of a variable.
pub(super) const VALUES: &str = "values";
/// The name of a variable.
pub(super) const CAPTURES: &str = "captures";
/// The name of a variable.
pub(super) const SECRET_NAME: &str = "secretName";
/// The name of a variable.
pub(super) const SECRET_NAMESPACE: &str = "secretNamespace";

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Expression {
    source: String,
    tree: Node,
    /// Members that it reads by name: the variable first, then the way down.
    reads: Vec<Vec<String>>,
}

/// What an expression gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer<'e> {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(Cow<'e, str>),
    /// A list of texts; nulls and empty ones are left out.
    List(Vec<String>),
    /// Something else, by the name of its type.
    Other(&'static str),
}

/// Why an expression was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    /// Where in the expression, in characters from 0.
    pub offset: usize,
    /// What is wrong, and what may stand there.
    pub message: String,
}

/// Why an expression gave nothing. Holds no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// A member that it reads is not there: the variable, then the way down.
    Missing(Vec<String>),
    /// Anything else.
    Reason(String),
}

impl Expression {
    /// Compiles a source that may use these variables.
    ///
    /// # Errors
    /// It does not parse, or a fence or a name is in the way.
    pub fn compile(source: &str, variables: &[&str]) -> Result<Self, Refused> {
        fence::check(source)?;
        let parsed = parse::parse(source)?;
        let (tree, reads) = lower::lower(&parsed, variables)?;
        Ok(Self {
            source: source.to_owned(),
            tree,
            reads,
        })
    }

    /// As written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The members of a variable that it reads by name.
    pub fn members_of(&self, variable: &str) -> impl Iterator<Item = &str> {
        self.reads.iter().filter_map(move |read| match &read[..] {
            [first, member, ..] if first == variable => Some(member.as_str()),
            _ => None,
        })
    }

    /// Whether it reads a parameter of the StorageClass by name.
    pub fn reads_parameter(&self, parameter: &str) -> bool {
        self.reads.iter().any(|read| match &read[..] {
            [class, parameters, name, ..] => {
                class == STORAGE_CLASS && parameters == "parameters" && name == parameter
            }
            _ => false,
        })
    }

    /// Whether it uses a variable.
    pub fn reads_variable(&self, variable: &str) -> bool {
        self.reads
            .iter()
            .any(|read| read.first().is_some_and(|first| first == variable))
    }

    /// Whether it looks at the volume's annotations.
    pub fn reads_annotations(&self) -> bool {
        let annotations = [PV, "metadata", "annotations"];
        self.reads
            .iter()
            .any(|read| read.iter().take(3).eq(&annotations))
    }

    /// Evaluates the expression.
    ///
    /// # Errors
    /// A member that it reads is not there, or it is of another type than the
    /// expression takes it for.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Answer<'_>, Failure> {
        if let Node::Constant(constant) = &self.tree {
            return answer(constant.view());
        }
        // The answer outlives the object, which is changed by it.
        Ok(match answer(interpret::evaluate(&self.tree, scope)?)? {
            Answer::Text(text) => Answer::Text(Cow::Owned(text.into_owned())),
            Answer::Null => Answer::Null,
            Answer::Bool(truth) => Answer::Bool(truth),
            Answer::List(texts) => Answer::List(texts),
            Answer::Other(kind) => Answer::Other(kind),
        })
    }
}

fn answer(view: View<'_>) -> Result<Answer<'_>, Failure> {
    Ok(match view {
        View::Null => Answer::Null,
        View::Bool(truth) => Answer::Bool(truth),
        View::Text(text) => Answer::Text(text),
        View::Integer(_) | View::Map(_) => Answer::Other(view.kind()),
        View::List(_) | View::Items(_) => {
            let mut texts = Vec::with_capacity(view.items().len());
            for item in view.items() {
                match item {
                    View::Null => {}
                    View::Text(text) if text.is_empty() => {}
                    View::Text(text) => texts.push(text.to_string()),
                    _ => return Err(Failure::Reason("a list may hold texts only".into())),
                }
            }
            Answer::List(texts)
        }
    })
}
