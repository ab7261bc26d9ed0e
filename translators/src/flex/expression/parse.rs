//! `cel`'s parser, with `has` as its only macro.

use std::sync::LazyLock;

use cel::common::ast::{Expr, LiteralValue, SelectExpr, SourceInfo, operators};
use cel::parser::{Macro, ParseErrors};
use cel::{Env, IdedExpr};

use super::Refused;

/// A parsed source.
pub(super) struct Parsed {
    pub expression: IdedExpr,
    info: SourceInfo,
}

impl Parsed {
    /// Where a node stands in the source, in characters from 0.
    pub fn offset(&self, id: u64) -> usize {
        let start = self.info.offset_for(id).map_or(0, |(start, _)| start);
        usize::try_from(start).unwrap_or(0)
    }
}

static ENVIRONMENT: LazyLock<Env> = LazyLock::new(|| {
    let mut environment = Env::default().with_optional_support(false);
    let has = Macro::global(operators::HAS, 1, |helper, _, arguments| {
        let select = arguments.first().and_then(presence);
        Ok(select.map(|select| helper.next_expr(Expr::Select(select))))
    });
    // It fails where a macro has the name already, and here none has.
    let added = environment.add_macro(has);
    debug_assert!(added.is_ok());
    environment
});

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
pub(super) fn parse(source: &str) -> Result<Parsed, Refused> {
    let parser = ENVIRONMENT.parser().enable_ident_escape_syntax(true);
    match parser.parse_with_source_info(source) {
        Ok((expression, info)) => Ok(Parsed { expression, info }),
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
    let number = |at: isize| usize::try_from(at).unwrap_or(1).saturating_sub(1);
    let before: usize = source
        .split_inclusive('\n')
        .take(number(first.pos.0))
        .map(|line| line.chars().count())
        .sum();
    Refused {
        offset: before + number(first.pos.1),
        message: format!("not a CEL expression: {}", first.msg),
    }
}
