//! The parser and the functions that expressions run with: `has` and ours,
//! nothing else.

use std::sync::{Arc, LazyLock};

use cel::common::ast::{Expr, LiteralValue, SelectExpr, SourceInfo, operators};
use cel::parser::{Macro, ParseErrors};
use cel::{DeclarationError, Env, IdedExpr};

use super::{Refused, functions};

/// A parsed source.
pub(super) struct Tree {
    pub expression: IdedExpr,
    info: SourceInfo,
}

impl Tree {
    /// Where a node stands in the source, in characters from 0.
    pub fn offset(&self, id: u64) -> usize {
        let start = self.info.offset_for(id).map_or(0, |(start, _)| start);
        usize::try_from(start).unwrap_or(0)
    }
}

/// The one environment of all expressions.
pub(super) fn shared() -> &'static Arc<Env> {
    static SHARED: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(environment()));
    &SHARED
}

fn environment() -> Env {
    let mut environment = Env::default().with_optional_support(false);
    // It fails where two functions have one name and types; the tests build it.
    let declared = declare(&mut environment);
    debug_assert_eq!(declared, Ok(()));
    environment
}

fn declare(environment: &mut Env) -> Result<(), DeclarationError> {
    environment.add_macro(Macro::global(operators::HAS, 1, |helper, _, arguments| {
        let presence = arguments.first().and_then(presence);
        match presence {
            Some(select) => Ok(Some(helper.next_expr(Expr::Select(select)))),
            None => Ok(None),
        }
    }))?;
    functions::declare(environment)
}

/// `has(a.b)` and, for keys that are no names, `has(a["b-c"])`.
fn presence(argument: &IdedExpr) -> Option<SelectExpr> {
    match &argument.expr {
        Expr::Select(select) if !select.test => Some(SelectExpr {
            test: true,
            ..select.clone()
        }),
        Expr::Call(call) if call.func_name == operators::INDEX => {
            let [map, key] = &call.args[..] else {
                return None;
            };
            let Expr::Literal(LiteralValue::String(field)) = &key.expr else {
                return None;
            };
            Some(SelectExpr {
                operand: Box::new(map.clone()),
                field: field.inner().to_owned(),
                test: true,
            })
        }
        _ => None,
    }
}

/// Parses a source that passed the fence.
pub(super) fn parse(source: &str) -> Result<Tree, Refused> {
    let parser = shared().parser().enable_ident_escape_syntax(true);
    match parser.parse_with_source_info(source) {
        Ok((expression, info)) => Ok(Tree { expression, info }),
        Err(errors) => Err(refused(source, &errors)),
    }
}

fn refused(source: &str, errors: &ParseErrors) -> Refused {
    let Some(first) = errors.errors.first() else {
        return Refused {
            offset: 0,
            message: "not an expression".into(),
        };
    };
    let line = usize::try_from(first.pos.0).unwrap_or(1).saturating_sub(1);
    let column = usize::try_from(first.pos.1).unwrap_or(1).saturating_sub(1);
    let before: usize = source
        .split_inclusive('\n')
        .take(line)
        .map(|line| line.chars().count())
        .sum();
    Refused {
        offset: before + column,
        message: format!("not a CEL expression: {}", first.msg),
    }
}

/// The operators that expressions may use.
const OPERATORS: [&str; 17] = [
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::LESS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::GREATER_EQUALS,
    operators::ADD,
    operators::SUBSTRACT,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::NEGATE,
    operators::INDEX,
    operators::IN,
];

/// Whether a call is an operator.
pub(super) fn is_operator(name: &str) -> bool {
    OPERATORS.contains(&name)
}

/// A function's name, or the operator behind it, as people write it.
pub(super) fn readable(name: &str) -> String {
    if is_operator(name) || name == "_._" {
        let sign: String = name.chars().filter(|c| !matches!(c, '_' | '@')).collect();
        format!("`{sign}`")
    } else {
        format!("{name}()")
    }
}
