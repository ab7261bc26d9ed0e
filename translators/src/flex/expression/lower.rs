//! From the parser's tree to ours: known names, our functions, few levels.
//! There is no type checker; examples find the rest.

use std::borrow::Cow;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, MapExpr, operators};
use regex_lite::{Regex, RegexBuilder};

use super::functions::Function;
use super::node::{Constant, Node, Operator, Variable};
use super::parse::Parsed;
use super::{Refused, interpret};
use crate::flex::view::{Scope, View};

/// Most levels of the tree.
const DEPTH: usize = 32;
/// Bounds what a pattern compiles to, in bytes.
const PATTERN_BYTES: usize = 64 * 1024;

/// Checks and translates a tree; gives with it the members that it reads by
/// name.
pub(super) fn lower(
    parsed: &Parsed,
    variables: &[&str],
) -> Result<(Node, Vec<Vec<String>>), Refused> {
    let mut lower = Lower {
        parsed,
        variables,
        reads: Vec::new(),
    };
    let tree = lower.node(&parsed.expression, DEPTH)?;
    Ok((tree, lower.reads))
}

struct Lower<'t> {
    parsed: &'t Parsed,
    variables: &'t [&'t str],
    reads: Vec<Vec<String>>,
}

impl Lower<'_> {
    fn refuse<T>(&self, at: &IdedExpr, message: impl Into<String>) -> Result<T, Refused> {
        Err(Refused {
            offset: self.parsed.offset(at.id),
            message: message.into(),
        })
    }

    fn node(&mut self, at: &IdedExpr, depth: usize) -> Result<Node, Refused> {
        let Some(below) = depth.checked_sub(1) else {
            return self.refuse(at, format!("the expression has more than {DEPTH} levels"));
        };
        let node = match &at.expr {
            Expr::Literal(literal) => return self.literal(at, literal),
            Expr::Ident(name) => return self.variable(at, name),
            Expr::Select(select) => {
                // Members do not nest: the fence bounds how many there are.
                let of = Box::new(self.node(&select.operand, depth)?);
                let member = Node::Member(of, select.field.clone());
                self.reads.extend(member.path());
                match member {
                    Node::Member(of, key) if select.test => Node::Has(of, key),
                    member => member,
                }
            }
            Expr::Call(call) => self.call(at, call, below)?,
            Expr::List(list) => Node::List(self.nodes(&list.elements, below)?),
            Expr::Map(map) => return self.map(at, map, below),
            Expr::Struct(_) | Expr::Comprehension(_) | Expr::Unspecified => {
                return self.refuse(at, "only values, operators and functions may stand here");
            }
        };
        Ok(folded(node))
    }

    fn nodes(&mut self, all: &[IdedExpr], depth: usize) -> Result<Vec<Node>, Refused> {
        all.iter().map(|at| self.node(at, depth)).collect()
    }

    fn pair(
        &mut self,
        at: &IdedExpr,
        both: &[IdedExpr],
        depth: usize,
    ) -> Result<Box<[Node; 2]>, Refused> {
        let [left, right] = both else {
            return self.refuse(at, "an operator lacks an operand");
        };
        Ok(Box::new([
            self.node(left, depth)?,
            self.node(right, depth)?,
        ]))
    }

    fn literal(&self, at: &IdedExpr, literal: &LiteralValue) -> Result<Node, Refused> {
        let view = match literal {
            LiteralValue::Null => View::Null,
            LiteralValue::Boolean(truth) => View::Bool(*truth.inner()),
            LiteralValue::Int(number) => View::Integer(*number.inner()),
            LiteralValue::String(text) => View::Text(Cow::Owned(text.inner().to_owned())),
            _ => return self.refuse(at, "expected a text, a whole number, true, false or null"),
        };
        Ok(Node::Constant(Constant::Scalar(view)))
    }

    fn variable(&mut self, at: &IdedExpr, name: &str) -> Result<Node, Refused> {
        match Variable::parse(name) {
            Some(variable) if self.variables.contains(&name) => {
                self.reads.push(vec![name.to_owned()]);
                Ok(Node::Variable(variable))
            }
            _ => {
                let known = self.variables.join(", ");
                self.refuse(at, format!("unknown variable `{name}`; here are: {known}"))
            }
        }
    }

    /// A map is a table to look up in: all of it is constant.
    fn map(&mut self, at: &IdedExpr, map: &MapExpr, depth: usize) -> Result<Node, Refused> {
        let mut entries: Vec<(String, View<'static>)> = Vec::with_capacity(map.entries.len());
        for entry in &map.entries {
            let EntryExpr::MapEntry(entry) = &entry.expr else {
                return self.refuse(at, "a map has keys and values");
            };
            let (
                Node::Constant(Constant::Scalar(View::Text(key))),
                Node::Constant(Constant::Scalar(value)),
            ) = (
                self.node(&entry.key, depth)?,
                self.node(&entry.value, depth)?,
            )
            else {
                return self.refuse(at, "a map holds literals, under keys that are texts");
            };
            if entries.iter().any(|(known, _)| *known == key) {
                return self.refuse(at, "a map has a key twice");
            }
            entries.push((key.into_owned(), value));
        }
        Ok(Node::Constant(Constant::Map(entries)))
    }

    fn call(&mut self, at: &IdedExpr, call: &CallExpr, depth: usize) -> Result<Node, Refused> {
        let arguments = &call.args[..];
        if let Some(operator) = binary(&call.func_name) {
            let node = Node::Binary(operator, self.pair(at, arguments, depth)?);
            if let Node::Binary(Operator::In, operands) = &node {
                let [key, map] = &**operands;
                self.looked_up(map, key);
            }
            return Ok(node);
        }
        match (call.func_name.as_str(), arguments) {
            (operators::CONDITIONAL, [condition, then, otherwise]) => Ok(conditional(
                self.node(condition, depth)?,
                self.node(then, depth)?,
                self.node(otherwise, depth)?,
            )),
            (operators::LOGICAL_AND, both) => Ok(Node::Logical(false, self.pair(at, both, depth)?)),
            (operators::LOGICAL_OR, both) => Ok(Node::Logical(true, self.pair(at, both, depth)?)),
            (operators::LOGICAL_NOT, [one]) => Ok(Node::Not(Box::new(self.node(one, depth)?))),
            (operators::NEGATE, [one]) => Ok(Node::Negate(Box::new(self.node(one, depth)?))),
            (operators::INDEX, both) => {
                let operands = self.pair(at, both, depth)?;
                let [of, key] = *operands;
                Ok(match key {
                    Node::Constant(Constant::Scalar(View::Text(key))) => {
                        let member = Node::Member(Box::new(of), key.into_owned());
                        self.reads.extend(member.path());
                        member
                    }
                    key => Node::Index(Box::new([of, key])),
                })
            }
            (operators::HAS, _) => {
                self.refuse(at, "has() takes one member, as in has(options.name)")
            }
            _ => self.function(at, call, depth),
        }
    }

    fn function(&mut self, at: &IdedExpr, call: &CallExpr, depth: usize) -> Result<Node, Refused> {
        let name = call.func_name.as_str();
        let Some(function) = Function::find(name) else {
            let known = Function::names().collect::<Vec<_>>().join(", ");
            let message = format!("unknown function `{name}`; there are: has, {known}");
            return self.refuse(at, message);
        };
        let receiver = call.target.as_deref();
        let mut arguments = Vec::with_capacity(call.args.len() + 1);
        for argument in receiver.into_iter().chain(&call.args) {
            arguments.push(self.node(argument, depth)?);
        }
        if !function.counts.contains(&arguments.len()) {
            let counts: Vec<String> = function.counts.iter().map(usize::to_string).collect();
            let counts = counts.join(" or ");
            let message = format!("{name}() takes {counts} arguments, the receiver counted");
            return self.refuse(at, message);
        }
        match (name, &mut arguments[..]) {
            ("matches", [_, pattern]) => {
                let Node::Constant(Constant::Scalar(View::Text(pattern))) = pattern else {
                    return self.refuse(at, "the pattern of matches() has to be a literal text");
                };
                let pattern = self.pattern(at, pattern)?;
                let text = arguments.swap_remove(0);
                return Ok(Node::Matches(Box::new(text), pattern));
            }
            ("get", [map, key, ..]) => {
                self.looked_up(map, key);
                if let Node::Constant(Constant::Scalar(View::Text(key))) = key {
                    let key = std::mem::take(key).into_owned();
                    let mut arguments = arguments.into_iter();
                    let map = arguments.next().map(Box::new);
                    let default = arguments.nth(1).map(Box::new);
                    return match map {
                        Some(map) => Ok(Node::Get(map, key, default)),
                        None => self.refuse(at, "get() lacks its map"),
                    };
                }
            }
            _ => {}
        }
        Ok(Node::Call(function, arguments))
    }

    fn pattern(&self, at: &IdedExpr, pattern: &str) -> Result<Regex, Refused> {
        let compiled = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).build();
        match compiled {
            Ok(pattern) => Ok(pattern),
            Err(error) => self.refuse(at, format!("the pattern of matches() is wrong: {error}")),
        }
    }

    /// Notes `get(map, "key")` and `"key" in map` as reads as well.
    fn looked_up(&mut self, map: &Node, key: &Node) {
        if let (Some(mut path), Node::Constant(Constant::Scalar(View::Text(key)))) =
            (map.path(), key)
        {
            path.push(key.to_string());
            self.reads.push(path);
        }
    }
}

/// A conditional; the one that gives a member unless it is empty, which
/// mappings are full of, as a node of its own.
fn conditional(condition: Node, then: Node, otherwise: Node) -> Node {
    let filled = match (&condition, &then) {
        (Node::Binary(Operator::NotEqual, both), Node::Member(of, key)) => match &**both {
            [Node::Get(map, looked_up, Some(default)), empty] => {
                let same = key == looked_up && of.path().is_some() && of.path() == map.path();
                same && is_empty_text(default) && is_empty_text(empty)
            }
            _ => false,
        },
        _ => false,
    };
    match then {
        Node::Member(of, key) if filled => Node::Filled(of, key, Box::new(otherwise)),
        then => Node::If(Box::new([condition, then, otherwise])),
    }
}

fn is_empty_text(node: &Node) -> bool {
    matches!(node, Node::Constant(Constant::Scalar(View::Text(text))) if text.is_empty())
}

fn binary(name: &str) -> Option<Operator> {
    Some(match name {
        operators::EQUALS => Operator::Equal,
        operators::NOT_EQUALS => Operator::NotEqual,
        operators::LESS => Operator::Less,
        operators::LESS_EQUALS => Operator::LessOrEqual,
        operators::GREATER => Operator::Greater,
        operators::GREATER_EQUALS => Operator::GreaterOrEqual,
        operators::IN => Operator::In,
        operators::ADD => Operator::Add,
        operators::SUBSTRACT => Operator::Subtract,
        operators::MULTIPLY => Operator::Multiply,
        operators::DIVIDE => Operator::Divide,
        _ => return None,
    })
}

/// The constant that a node of constants always gives; one that fails is left,
/// to fail where it is used.
fn folded(node: Node) -> Node {
    let constant = |node: &Node| matches!(node, Node::Constant(_));
    let all = match &node {
        Node::Constant(_) | Node::Variable(_) | Node::Filled(..) => false,
        Node::Member(of, _) | Node::Has(of, _) => constant(of),
        Node::Get(of, _, default) => constant(of) && default.as_deref().is_none_or(constant),
        Node::Not(of) | Node::Negate(of) | Node::Matches(of, _) => constant(of),
        Node::Index(both) | Node::Logical(_, both) | Node::Binary(_, both) => {
            both.iter().all(constant)
        }
        Node::If(all) => all.iter().all(constant),
        Node::List(nodes) | Node::Call(_, nodes) => nodes.iter().all(constant),
    };
    if !all {
        return node;
    }
    let scope = Scope::default();
    let worked_out = interpret::evaluate(&node, &scope).ok();
    match worked_out.as_ref().and_then(Constant::of) {
        Some(constant) => {
            drop(worked_out);
            Node::Constant(constant)
        }
        None => {
            drop(worked_out);
            node
        }
    }
}
