//! What is the same for every volume is worked out once: literals, tables, and
//! the patterns of `matches`.
//!
//! A folded part stands in the tree as a name that no source can spell, `@`
//! and its number among the expression's constants.

use cel::common::ast::{EntryExpr, Expr, LiteralValue};
use cel::common::types::{CelBool, CelInt, CelNull, CelString};
use cel::common::value::Val;
use cel::{Context, IdedExpr, Value};

use super::functions::Pattern;
use super::{Answer, Refused, answer, environment};

/// Folds a tree; gives its constants.
pub(super) fn fold(tree: &mut IdedExpr) -> Result<Vec<Box<dyn Val>>, Refused> {
    let mut constants = Vec::new();
    patterns(tree, &mut constants)?;
    parts(tree, &mut constants);
    Ok(constants)
}

/// What a folded tree always gives, if it looks at nothing.
pub(super) fn constant(tree: &IdedExpr, constants: &[Box<dyn Val>]) -> Option<Answer<'static>> {
    match &tree.expr {
        Expr::Literal(literal) => answer(literal.to_val()).ok(),
        Expr::Ident(name) => {
            let constant = constants.get(number(name)?)?;
            answer(cel::common::value::CowVal::Borrowed(&**constant)).ok()
        }
        _ => None,
    }
}

/// The number of the constant that a name in the tree stands for.
pub(super) fn number(name: &str) -> Option<usize> {
    name.strip_prefix('@')?.parse().ok()
}

fn children(at: &mut IdedExpr) -> Vec<&mut IdedExpr> {
    match &mut at.expr {
        Expr::Call(call) => {
            let target = call.target.as_deref_mut();
            target.into_iter().chain(&mut call.args).collect()
        }
        Expr::Select(select) => vec![&mut select.operand],
        Expr::List(list) => list.elements.iter_mut().collect(),
        Expr::Map(map) => map
            .entries
            .iter_mut()
            .filter_map(|entry| match &mut entry.expr {
                EntryExpr::MapEntry(entry) => Some([&mut entry.key, &mut entry.value]),
                EntryExpr::StructField(_) => None,
            })
            .flatten()
            .collect(),
        _ => Vec::new(),
    }
}

/// Compiles the patterns of `matches`, which have to be literals.
fn patterns(at: &mut IdedExpr, constants: &mut Vec<Box<dyn Val>>) -> Result<(), Refused> {
    if let Expr::Call(call) = &mut at.expr
        && call.func_name == "matches"
        && let Some(pattern) = call.args.last_mut()
    {
        let refuse = |message: String| Refused { offset: 0, message };
        let Expr::Literal(LiteralValue::String(text)) = &pattern.expr else {
            return Err(refuse(
                "the pattern of matches() has to be a literal text".into(),
            ));
        };
        let compiled = Pattern::new(text.inner())
            .map_err(|error| refuse(format!("the pattern of matches() is wrong: {error}")))?;
        keep(pattern, Box::new(compiled), constants);
    }
    children(at)
        .into_iter()
        .try_for_each(|child| patterns(child, constants))
}

fn keep(at: &mut IdedExpr, value: Box<dyn Val>, constants: &mut Vec<Box<dyn Val>>) {
    at.expr = Expr::Ident(format!("@{}", constants.len()));
    constants.push(value);
}

/// Folds the largest parts that look at nothing; says whether `at` did not.
fn parts(at: &mut IdedExpr, constants: &mut Vec<Box<dyn Val>>) -> bool {
    match &at.expr {
        Expr::Literal(_) => return true,
        Expr::Ident(_) => return false,
        _ => {}
    }
    // A child is folded only when the whole is not: a list of literals is one
    // constant.
    let before = constants.len();
    let mut copy = at.clone();
    let constant = children(&mut copy)
        .into_iter()
        .fold(true, |all, child| parts(child, constants) && all);
    if !constant {
        *at = copy;
        return false;
    }
    let Some(value) = evaluate(at) else {
        // It fails, and is to fail where it is used.
        *at = copy;
        return false;
    };
    constants.truncate(before);
    match literal(&*value) {
        Some(literal) => at.expr = Expr::Literal(literal),
        None => keep(at, value, constants),
    }
    // A constant under a name is no literal to what stands around it: a list of
    // lists is still folded as one, from its own text.
    true
}

fn evaluate(at: &IdedExpr) -> Option<Box<dyn Val>> {
    let context = Context::with_env(environment::shared().clone());
    let value = Value::resolve_val(at, &context).ok()?;
    // Copied, so that it does not borrow from the tree.
    let value = Value::try_from(value.as_ref()).ok()?;
    value.try_into().ok()
}

fn literal(value: &dyn Val) -> Option<LiteralValue> {
    if value.downcast_ref::<CelNull>().is_some() {
        return Some(LiteralValue::Null);
    }
    if let Some(truth) = value.downcast_ref::<CelBool>() {
        return Some(LiteralValue::Boolean((*truth.inner()).into()));
    }
    if let Some(number) = value.downcast_ref::<CelInt>() {
        return Some(LiteralValue::Int((*number.inner()).into()));
    }
    let text = value.downcast_ref::<CelString<'_>>()?;
    Some(LiteralValue::String(text.clone().into_static()))
}
