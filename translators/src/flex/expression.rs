//! CEL expressions, fenced. Only this module knows the `cel` crate.
//!
//! The crate bounds neither run time nor stack, tells values in its errors and
//! compiles a regular expression at each call. So a source is short
//! ([`fence`]), its tree is shallow and names only what is known ([`check`]),
//! no macro but `has` and no function but ours exists ([`environment`]), what
//! is constant is worked out once ([`fold`]), and its errors are never printed.

mod check;
mod environment;
mod fence;
mod fold;
mod functions;
mod val;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use cel::common::types::{CelBool, CelInt, CelList, CelNull, CelString};
use cel::common::value::{CowVal, Val};
use cel::{Context, ExecutionError, IdedExpr, Value};

use super::view::Scope;

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
    code: Code,
    /// Members that it reads by name: the variable first, then the way down.
    reads: Vec<Vec<String>>,
}

#[derive(Debug)]
enum Code {
    Constant(Answer<'static>),
    Program {
        tree: IdedExpr,
        constants: Vec<Box<dyn Val>>,
    },
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
    /// A list of texts.
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
        let mut tree = environment::parse(source)?;
        let reads = check::check(&tree, variables)?;
        let constants = fold::fold(&mut tree.expression)?;
        let code = match fold::constant(&tree.expression, &constants) {
            Some(constant) => Code::Constant(constant),
            None => Code::Program {
                tree: tree.expression,
                constants,
            },
        };
        Ok(Self {
            source: source.to_owned(),
            code,
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

    /// What it gives if it does so without looking at anything.
    pub fn constant(&self) -> Option<&Answer<'static>> {
        match &self.code {
            Code::Constant(answer) => Some(answer),
            Code::Program { .. } => None,
        }
    }

    /// Evaluates the expression.
    ///
    /// # Errors
    /// A member that it reads is not there, or it is of another type than the
    /// expression takes it for.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Answer<'_>, Failure> {
        let (tree, constants) = match &self.code {
            Code::Constant(answer) => return Ok(answer.clone()),
            Code::Program { tree, constants } => (tree, constants),
        };
        let resolver = val::Resolver::new(scope, constants);
        let mut context = Context::with_env(environment::shared().clone());
        context.set_variable_resolver(&resolver);
        match Value::resolve_val(tree, &context) {
            Ok(value) => answer(value).map_err(|reason| Failure::Reason(reason.to_owned())),
            Err(error) => Err(self.failure(&error)),
        }
    }

    /// The error without the values that it holds.
    fn failure(&self, error: &ExecutionError) -> Failure {
        let reason = match error {
            ExecutionError::NoSuchKey(key) => match self.missing(key) {
                Some(path) => return Failure::Missing(path),
                None => "a key that it looks up is not in the map".to_owned(),
            },
            ExecutionError::NoSuchOverload(overload) => format!(
                "{} does not take ({})",
                environment::readable(overload.function()),
                overload.argument_types().join(", ")
            ),
            ExecutionError::UnsupportedBinaryOperator(..) => {
                "an operator has two operands that do not go together".to_owned()
            }
            ExecutionError::FunctionError { function, message } => {
                // All functions are ours, and their messages hold no value.
                format!("{function}: {message}")
            }
            ExecutionError::IndexOutOfBounds(_) => "an index is outside of the list".to_owned(),
            ExecutionError::DuplicateKey(_) => "a map has a key twice".to_owned(),
            ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
                "it divides by zero".to_owned()
            }
            ExecutionError::Overflow(..) => "a number is out of range".to_owned(),
            _ => "a value has another type than the expression takes it for".to_owned(),
        };
        Failure::Reason(reason)
    }

    /// The member behind a key that was not found, if the source spells it.
    fn missing(&self, key: &str) -> Option<Vec<String>> {
        self.reads.iter().find_map(|read| {
            let end = read.iter().skip(1).position(|member| member == key)?;
            Some(read[..end + 2].to_vec())
        })
    }
}

fn answer<'e>(value: CowVal<'_, '_>) -> Result<Answer<'e>, &'static str> {
    if value.downcast_ref::<CelNull>().is_some() {
        return Ok(Answer::Null);
    }
    if let Some(truth) = value.downcast_ref::<CelBool>() {
        return Ok(Answer::Bool(*truth.inner()));
    }
    if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        return texts(list).map(Answer::List);
    }
    if value.downcast_ref::<CelInt>().is_some() {
        return Ok(Answer::Other("a number"));
    }
    let Some(text) = value.downcast_ref::<CelString<'_>>() else {
        return Ok(Answer::Other("a map"));
    };
    Ok(Answer::Text(Cow::Owned(text.inner().to_owned())))
}

/// The texts of a list; nulls and empty ones are left out.
fn texts(list: &CelList<'_>) -> Result<Vec<String>, &'static str> {
    let mut texts = Vec::with_capacity(list.inner().len());
    for item in list.inner() {
        if item.downcast_ref::<CelNull>().is_some() {
            continue;
        }
        let text = item
            .downcast_ref::<CelString<'_>>()
            .ok_or("a list may hold texts only")?;
        if !text.inner().is_empty() {
            texts.push(text.inner().to_owned());
        }
    }
    Ok(texts)
}
