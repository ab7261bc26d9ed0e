//! The tree that is evaluated.

use regex_lite::Regex;

use super::functions::Function;
use crate::flex::view::{Map, View};

/// One step of an expression.
#[derive(Debug)]
pub(super) enum Node {
    Constant(Constant),
    Variable(Variable),
    /// `a.b` and `a["b"]`
    Member(Box<Node>, String),
    /// `has(a.b)`
    Has(Box<Node>, String),
    /// `get(a, "b", c)`
    Get(Box<Node>, String, Option<Box<Node>>),
    /// `get(a, "b", "") != "" ? a.b : c`, with one look at `a`
    Filled(Box<Node>, String, Box<Node>),
    /// `a[b]`
    Index(Box<[Node; 2]>),
    /// `a ? b : c`
    If(Box<[Node; 3]>),
    /// `a && b`; `true` decides `a || b`
    Logical(bool, Box<[Node; 2]>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Binary(Operator, Box<[Node; 2]>),
    List(Vec<Node>),
    Call(Function, Vec<Node>),
    /// `a.matches("…")`
    Matches(Box<Node>, Regex),
}

/// An operator of two operands that are both evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Operator {
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }
}

/// What an expression may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variable {
    Pv,
    Options,
    StorageClass,
    Values,
    Captures,
    SecretName,
    SecretNamespace,
}

impl Variable {
    const ALL: [Self; 7] = [
        Self::Pv,
        Self::Options,
        Self::StorageClass,
        Self::Values,
        Self::Captures,
        Self::SecretName,
        Self::SecretNamespace,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pv => super::PV,
            Self::Options => super::OPTIONS,
            Self::StorageClass => super::STORAGE_CLASS,
            Self::Values => super::VALUES,
            Self::Captures => super::CAPTURES,
            Self::SecretName => super::SECRET_NAME,
            Self::SecretNamespace => super::SECRET_NAMESPACE,
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|variable| variable.name() == name)
    }
}

/// What is the same for every object.
#[derive(Debug)]
pub(super) enum Constant {
    Scalar(View<'static>),
    List(Vec<View<'static>>),
    Map(Vec<(String, View<'static>)>),
}

impl Constant {
    /// The constant of a value; `None` for one that looks at an object.
    pub fn of(view: &View<'_>) -> Option<Self> {
        match view {
            View::List(_) | View::Items(_) => {
                let items = view.items().iter().map(owned);
                items.collect::<Option<_>>().map(Self::List)
            }
            View::Map(Map::Table(entries)) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| Some((key.clone(), owned(value)?)));
                entries.collect::<Option<_>>().map(Self::Map)
            }
            scalar => owned(scalar).map(Self::Scalar),
        }
    }

    pub fn view(&self) -> View<'_> {
        match self {
            Self::Scalar(View::Text(text)) => View::Text(text.as_ref().into()),
            Self::Scalar(scalar) => scalar.clone(),
            Self::List(items) => View::Items(items),
            Self::Map(entries) => View::Map(Map::Table(entries)),
        }
    }
}

fn owned(view: &View<'_>) -> Option<View<'static>> {
    Some(match view {
        View::Null => View::Null,
        View::Bool(truth) => View::Bool(*truth),
        View::Integer(number) => View::Integer(*number),
        View::Text(text) => View::Text(text.to_string().into()),
        View::List(_) | View::Items(_) => {
            let items = view.items().iter().map(owned);
            View::List(items.collect::<Option<_>>()?)
        }
        View::Map(_) => return None,
    })
}

impl Node {
    /// The variable and the members that `a.b["c"]` spells.
    pub fn path(&self) -> Option<Vec<String>> {
        match self {
            Self::Variable(variable) => Some(vec![variable.name().to_owned()]),
            Self::Member(of, key) => {
                let mut path = of.path()?;
                path.push(key.clone());
                Some(path)
            }
            _ => None,
        }
    }
}
