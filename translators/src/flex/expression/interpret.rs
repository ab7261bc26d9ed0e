//! Evaluates a tree. What CEL leaves open to an error of one operand, it
//! leaves open here: `&&` and `||` give the result that the other one decides.

use std::borrow::Cow;
use std::sync::atomic::Ordering;

use super::Failure;
use super::functions;
use super::node::{Node, Operator, Variable};
use crate::flex::functions::TEXT_BYTES;
use crate::flex::view::{Map, Scope, View};

type Result<'e> = std::result::Result<View<'e>, Failure>;

fn reason<'e>(reason: impl Into<String>) -> Result<'e> {
    Err(Failure::Reason(reason.into()))
}

/// Evaluates a node.
pub(super) fn evaluate<'e>(node: &'e Node, scope: &Scope<'e>) -> Result<'e> {
    match node {
        Node::Constant(constant) => Ok(constant.view()),
        Node::Variable(variable) => Ok(self::variable(*variable, scope)),
        Node::Member(of, key) => match member(of, key, scope)? {
            Some(value) => Ok(value),
            None => Err(missing(of, Some(key))),
        },
        Node::Has(of, key) => match map(of, scope)?.has(key) {
            Ok(set) => Ok(View::Bool(set)),
            Err(error) => reason(error),
        },
        Node::Get(of, key, default) => match (member(of, key, scope)?, default) {
            (Some(value), _) => Ok(value),
            (None, Some(default)) => evaluate(default, scope),
            (None, None) => Ok(View::Null),
        },
        Node::Filled(of, key, otherwise) => match member(of, key, scope)? {
            Some(View::Text(text)) if text.is_empty() => evaluate(otherwise, scope),
            Some(value) => Ok(value),
            None => evaluate(otherwise, scope),
        },
        Node::Index(both) => index(&both[0], &both[1], scope),
        Node::If(parts) => {
            let [condition, then, otherwise] = &**parts;
            match truth(condition, scope)? {
                true => evaluate(then, scope),
                false => evaluate(otherwise, scope),
            }
        }
        Node::Logical(decides, both) => {
            let [left, right] = &**both;
            let left = truth(left, scope);
            if left.as_ref() == Ok(decides) {
                return Ok(View::Bool(*decides));
            }
            let right = truth(right, scope)?;
            if right != *decides {
                left?;
            }
            Ok(View::Bool(right))
        }
        Node::Not(of) => Ok(View::Bool(!truth(of, scope)?)),
        Node::Negate(of) => match evaluate(of, scope)? {
            View::Integer(number) => match number.checked_neg() {
                Some(number) => Ok(View::Integer(number)),
                None => reason("a number is out of range"),
            },
            other => reason(format!("`-` does not take {}", other.kind())),
        },
        Node::Binary(operator, both) => {
            let left = evaluate(&both[0], scope)?;
            let right = evaluate(&both[1], scope)?;
            binary(*operator, left, right)
        }
        Node::List(items) => {
            let items: std::result::Result<Vec<_>, _> =
                items.iter().map(|item| evaluate(item, scope)).collect();
            Ok(View::List(items?))
        }
        Node::Matches(of, pattern) => match evaluate(of, scope)? {
            View::Text(text) => Ok(View::Bool(pattern.is_match(&text))),
            other => reason(format!("matches() does not take {}", other.kind())),
        },
        Node::Call(function, nodes) => {
            let mut arguments = [View::Null, View::Null, View::Null];
            for (argument, node) in arguments.iter_mut().zip(nodes) {
                *argument = evaluate(node, scope)?;
            }
            let arguments = &mut arguments[..nodes.len().min(3)];
            function.call(arguments).map_err(Failure::Reason)
        }
    }
}

fn variable<'e>(variable: Variable, scope: &Scope<'e>) -> View<'e> {
    let text = |text: &'e str| View::Text(Cow::Borrowed(text));
    match variable {
        Variable::Pv => View::Map(scope.pv),
        Variable::Options => View::Map(scope.options),
        Variable::StorageClass => {
            if let Some(wanted) = scope.class_wanted {
                wanted.store(true, Ordering::Relaxed);
            }
            View::Map(scope.storage_class)
        }
        Variable::Values => View::Map(scope.values),
        Variable::Captures => View::Map(scope.captures),
        Variable::SecretName => text(scope.secret_name),
        Variable::SecretNamespace => text(scope.secret_namespace),
    }
}

fn truth(node: &Node, scope: &Scope<'_>) -> std::result::Result<bool, Failure> {
    match evaluate(node, scope)? {
        View::Bool(truth) => Ok(truth),
        other => Err(Failure::Reason(format!(
            "expected true or false, found {}",
            other.kind()
        ))),
    }
}

/// A member of a map, its text no longer than an expression may read.
pub(super) fn look_up<'e>(
    map: &Map<'e>,
    key: &str,
) -> std::result::Result<Option<View<'e>>, String> {
    match map.get(key)? {
        Some(View::Text(text)) if text.len() > TEXT_BYTES => Err("a text is too long".into()),
        found => Ok(found),
    }
}

/// The map whose member is asked for.
fn map<'e>(of: &'e Node, scope: &Scope<'e>) -> std::result::Result<Map<'e>, Failure> {
    match of {
        Node::Variable(Variable::Options) => Ok(scope.options),
        Node::Variable(Variable::Pv) => Ok(scope.pv),
        Node::Variable(Variable::Values) => Ok(scope.values),
        Node::Member(outer, key) => match map(outer, scope)?.opened(key) {
            Some(map) => Ok(map),
            None => map_of(evaluate(of, scope)?),
        },
        _ => map_of(evaluate(of, scope)?),
    }
}

fn map_of(view: View<'_>) -> std::result::Result<Map<'_>, Failure> {
    match view {
        View::Map(map) => Ok(map),
        other => {
            let reason = format!("{} has no members", other.kind());
            Err(Failure::Reason(reason))
        }
    }
}

fn member<'e>(
    of: &'e Node,
    key: &str,
    scope: &Scope<'e>,
) -> std::result::Result<Option<View<'e>>, Failure> {
    look_up(&map(of, scope)?, key).map_err(Failure::Reason)
}

/// Names what is not there, if the source spells it. A table's keys come from
/// the object, so of a table only the table itself is named.
fn missing(of: &Node, key: Option<&str>) -> Failure {
    match of.path() {
        Some(mut path) => {
            path.extend(key.map(str::to_owned));
            Failure::Missing(path)
        }
        None => Failure::Reason("a key that it looks up is not in the map".into()),
    }
}

fn index<'e>(of: &'e Node, at: &'e Node, scope: &Scope<'e>) -> Result<'e> {
    match (evaluate(of, scope)?, evaluate(at, scope)?) {
        (View::Map(map), View::Text(key)) => match look_up(&map, &key) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => match map {
                Map::SiteTable(_) => Err(missing(of, None)),
                _ => reason("a key that it looks up is not in the map"),
            },
            Err(error) => reason(error),
        },
        (list @ (View::List(_) | View::Items(_)), View::Integer(at)) => {
            let item = usize::try_from(at)
                .ok()
                .and_then(|at| list.items().get(at).cloned());
            match item {
                Some(item) => Ok(item),
                None => reason("an index is outside of the list"),
            }
        }
        (of, at) => reason(format!("{} has no element at {}", of.kind(), at.kind())),
    }
}

fn binary<'e>(operator: Operator, left: View<'e>, right: View<'e>) -> Result<'e> {
    use Operator as O;
    let ordering = |left: &View<'_>, right: &View<'_>| match (left, right) {
        (View::Integer(left), View::Integer(right)) => Some(left.cmp(right)),
        (View::Text(left), View::Text(right)) => Some(left.cmp(right)),
        (View::Bool(left), View::Bool(right)) => Some(left.cmp(right)),
        _ => None,
    };
    let answer = match operator {
        O::Equal => Some(equal(&left, &right)),
        O::NotEqual => Some(!equal(&left, &right)),
        O::Less => ordering(&left, &right).map(|order| order.is_lt()),
        O::LessOrEqual => ordering(&left, &right).map(|order| order.is_le()),
        O::Greater => ordering(&left, &right).map(|order| order.is_gt()),
        O::GreaterOrEqual => ordering(&left, &right).map(|order| order.is_ge()),
        O::In => match (&left, &right) {
            (key, list @ (View::List(_) | View::Items(_))) => {
                Some(list.items().iter().any(|item| equal(item, key)))
            }
            (View::Text(key), View::Map(map)) => match map.get(key) {
                Ok(found) => Some(found.is_some()),
                Err(error) => return reason(error),
            },
            // These may be keys, of maps that are not ours.
            (View::Bool(_) | View::Integer(_), View::Map(_)) => Some(false),
            _ => None,
        },
        O::Add | O::Subtract | O::Multiply | O::Divide => {
            return arithmetic(operator, left, right);
        }
    };
    match answer {
        Some(answer) => Ok(View::Bool(answer)),
        None => not_taken(operator, &left, &right),
    }
}

fn not_taken<'e>(operator: Operator, left: &View<'_>, right: &View<'_>) -> Result<'e> {
    let (sign, left, right) = (operator.sign(), left.kind(), right.kind());
    reason(format!("`{sign}` does not take {left} and {right}"))
}

fn arithmetic<'e>(operator: Operator, left: View<'e>, right: View<'e>) -> Result<'e> {
    match (left, right) {
        (View::Integer(left), View::Integer(right)) => {
            let result = match operator {
                Operator::Add => left.checked_add(right),
                Operator::Subtract => left.checked_sub(right),
                Operator::Multiply => left.checked_mul(right),
                _ => left.checked_div(right),
            };
            match result {
                Some(number) => Ok(View::Integer(number)),
                None => reason("a number is out of range"),
            }
        }
        (View::Text(left), View::Text(right)) if operator == Operator::Add => {
            if left.len() + right.len() > TEXT_BYTES {
                return reason("`+` would make a text that is too long");
            }
            Ok(View::Text([left, right].concat().into()))
        }
        (left @ (View::List(_) | View::Items(_)), right @ (View::List(_) | View::Items(_)))
            if operator == Operator::Add =>
        {
            let items = left.items().iter().chain(right.items()).cloned().collect();
            functions::bounded(items).map_err(Failure::Reason)
        }
        (left, right) => not_taken(operator, &left, &right),
    }
}

/// CEL's equality: what is of different types is not equal.
pub(super) fn equal(left: &View<'_>, right: &View<'_>) -> bool {
    match (left, right) {
        (View::Null, View::Null) => true,
        (View::Bool(left), View::Bool(right)) => left == right,
        (View::Integer(left), View::Integer(right)) => left == right,
        (View::Text(left), View::Text(right)) => left == right,
        (View::List(_) | View::Items(_), View::List(_) | View::Items(_)) => {
            let (left, right) = (left.items(), right.items());
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| equal(left, right))
        }
        _ => false,
    }
}
