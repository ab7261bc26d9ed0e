//! What a parsed expression may hold: known names, our functions, a shallow
//! tree. There is no type checker; examples find the rest.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, operators};

use super::Refused;
use super::environment::{Tree, is_operator};
use super::functions::FUNCTIONS;

/// Most levels of the tree.
const DEPTH: usize = 32;

/// Checks a tree; gives the members that it reads by name.
pub(super) fn check(tree: &Tree, variables: &[&str]) -> Result<Vec<Vec<String>>, Refused> {
    let mut check = Check {
        tree,
        variables,
        reads: Vec::new(),
    };
    check.walk(&tree.expression, DEPTH)?;
    Ok(check.reads)
}

struct Check<'t> {
    tree: &'t Tree,
    variables: &'t [&'t str],
    reads: Vec<Vec<String>>,
}

impl Check<'_> {
    fn refuse<T>(&self, at: &IdedExpr, message: impl Into<String>) -> Result<T, Refused> {
        Err(Refused {
            offset: self.tree.offset(at.id),
            message: message.into(),
        })
    }

    fn walk(&mut self, at: &IdedExpr, depth: usize) -> Result<(), Refused> {
        let Some(below) = depth.checked_sub(1) else {
            return self.refuse(at, format!("the expression has more than {DEPTH} levels"));
        };
        if let Some(read) = path(at) {
            return self.read(at, read);
        }
        match &at.expr {
            Expr::Literal(_) => Ok(()),
            Expr::Call(call) => self.call(at, call, below),
            Expr::Select(select) => self.walk(&select.operand, below),
            Expr::List(list) => list
                .elements
                .iter()
                .try_for_each(|element| self.walk(element, below)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => {
                    self.walk(&entry.key, below)?;
                    self.walk(&entry.value, below)
                }
                EntryExpr::StructField(_) => self.refuse(at, "a map has keys and values"),
            }),
            Expr::Ident(_) | Expr::Struct(_) | Expr::Comprehension(_) | Expr::Unspecified => {
                self.refuse(at, "only values, operators and functions may stand here")
            }
        }
    }

    fn read(&mut self, at: &IdedExpr, read: Vec<String>) -> Result<(), Refused> {
        let known = read
            .first()
            .is_some_and(|name| self.variables.contains(&name.as_str()));
        if !known {
            let name = read.first().map(String::as_str).unwrap_or_default();
            let known = self.variables.join(", ");
            let message = format!("unknown variable `{name}`; here are: {known}");
            return self.refuse(root(at), message);
        }
        self.reads.push(read);
        Ok(())
    }

    fn call(&mut self, at: &IdedExpr, call: &CallExpr, depth: usize) -> Result<(), Refused> {
        let name = call.func_name.as_str();
        if !is_operator(name) {
            self.function(at, call)?;
        }
        if let Some(target) = &call.target {
            self.walk(target, depth)?;
        }
        self.looked_up(call);
        call.args
            .iter()
            .try_for_each(|argument| self.walk(argument, depth))
    }

    fn function(&self, at: &IdedExpr, call: &CallExpr) -> Result<(), Refused> {
        let name = call.func_name.as_str();
        if name == operators::HAS {
            return self.refuse(at, "has() takes one member, as in has(options.name)");
        }
        let Some((_, counts)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
            let known = known.join(", ");
            let message = format!("unknown function `{name}`; there are: has, {known}");
            return self.refuse(at, message);
        };
        let count = call.args.len() + usize::from(call.target.is_some());
        if counts.contains(&count) {
            return Ok(());
        }
        let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
        let counts = counts.join(" or ");
        let message = format!("{name}() takes {counts} arguments, the receiver counted");
        self.refuse(at, message)
    }

    /// Notes `get(map, "key")` and `"key" in map` as reads as well.
    fn looked_up(&mut self, call: &CallExpr) {
        let (map, key) = match (call.func_name.as_str(), &call.target, &call.args[..]) {
            ("get", None, [map, key, ..]) => (map, key),
            ("get", Some(map), [key, ..]) => (&**map, key),
            (operators::IN, None, [key, map]) => (map, key),
            _ => return,
        };
        if let (Some(mut read), Some(key)) = (path(map), text(key)) {
            read.push(key);
            self.reads.push(read);
        }
    }
}

/// The text of a literal.
fn text(at: &IdedExpr) -> Option<String> {
    match &at.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    }
}

/// The innermost operand of members and keys.
fn root(at: &IdedExpr) -> &IdedExpr {
    match &at.expr {
        Expr::Select(select) => root(&select.operand),
        Expr::Call(call) if call.func_name == operators::INDEX => {
            call.args.first().map_or(at, root)
        }
        _ => at,
    }
}

/// The variable and the members that `a.b["c"]` spells.
fn path(at: &IdedExpr) -> Option<Vec<String>> {
    let mut members = Vec::new();
    let mut at = at;
    loop {
        match &at.expr {
            Expr::Ident(name) => {
                members.push(name.clone());
                members.reverse();
                return Some(members);
            }
            Expr::Select(select) => {
                members.push(select.field.clone());
                at = &select.operand;
            }
            Expr::Call(call) if call.func_name == operators::INDEX => {
                let [map, key] = &call.args[..] else {
                    return None;
                };
                members.push(text(key)?);
                at = map;
            }
            _ => return None,
        }
    }
}
