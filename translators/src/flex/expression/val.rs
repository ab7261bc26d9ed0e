//! The view of an object as `cel` sees it: borrowed, read when asked.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use cel::ExecutionError;
use cel::common::traits::{Container, Indexer, Sizer};
use cel::common::types::{CelBool, CelInt, CelList, CelNull, CelString, MAP_TYPE, Type};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;

use super::fold;
use super::{CAPTURES, OPTIONS, PV, SECRET_NAME, SECRET_NAMESPACE, STORAGE_CLASS, VALUES};
use crate::flex::functions::TEXT_BYTES;
use crate::flex::view::{Map, Scope, View};

/// Finds variables and folded constants.
pub(super) struct Resolver<'s> {
    pv: MapVal<'s>,
    options: MapVal<'s>,
    storage_class: MapVal<'s>,
    values: MapVal<'s>,
    captures: MapVal<'s>,
    secret_name: CelString<'s>,
    secret_namespace: CelString<'s>,
    constants: &'s [Box<dyn Val>],
    class_wanted: Option<&'s AtomicBool>,
}

impl<'s> Resolver<'s> {
    pub fn new(scope: &Scope<'s>, constants: &'s [Box<dyn Val>]) -> Self {
        Self {
            pv: MapVal(scope.pv),
            options: MapVal(scope.options),
            storage_class: MapVal(scope.storage_class),
            values: MapVal(scope.values),
            captures: MapVal(scope.captures),
            secret_name: CelString::from(scope.secret_name),
            secret_namespace: CelString::from(scope.secret_namespace),
            constants,
            class_wanted: scope.class_wanted,
        }
    }
}

impl VariableResolver for Resolver<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let value: &'b (dyn Val + 'b) = match variable {
            PV => &self.pv,
            OPTIONS => &self.options,
            STORAGE_CLASS => {
                if let Some(wanted) = self.class_wanted {
                    wanted.store(true, Ordering::Relaxed);
                }
                &self.storage_class
            }
            VALUES => &self.values,
            CAPTURES => &self.captures,
            SECRET_NAME => &self.secret_name,
            SECRET_NAMESPACE => &self.secret_namespace,
            folded => &**self.constants.get(fold::number(folded)?)?,
        };
        Some(CowVal::Borrowed(value))
    }
}

/// A map of the view.
#[derive(Clone, Copy)]
struct MapVal<'s>(Map<'s>);

impl fmt::Debug for MapVal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("map")
    }
}

impl Val for MapVal<'_> {
    fn get_type(&self) -> &Type {
        Self::cel_type()
    }

    fn cel_type() -> &'static Type {
        static MAP: Type = MAP_TYPE;
        &MAP
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }
}

fn key_of(key: &dyn Val) -> Result<&str, ExecutionError> {
    key.downcast_ref::<CelString<'_>>()
        .map(CelString::inner)
        .ok_or_else(|| ExecutionError::UnexpectedType {
            got: String::new(),
            want: String::new(),
        })
}

impl Indexer for MapVal<'_> {
    fn get<'b, 'v>(&'b self, key: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let key = key_of(key)?;
        match self.0.get(key) {
            Ok(Some(found)) => value(found).map(CowVal::Owned),
            Ok(None) => Err(ExecutionError::no_such_key(self.0.missing(key))),
            Err(reason) => Err(ExecutionError::function_error("JSON", reason)),
        }
    }

    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(key).map(CowVal::into_owned)
    }
}

impl Container for MapVal<'_> {
    fn contains(&self, key: &dyn Val) -> Result<bool, ExecutionError> {
        let found = self.0.get(key_of(key)?);
        let found = found.map_err(|reason| ExecutionError::function_error("JSON", reason))?;
        Ok(found.is_some())
    }
}

impl Sizer for MapVal<'_> {
    fn size(&self) -> CelInt {
        CelInt::from(i64::try_from(self.0.len()).unwrap_or(i64::MAX))
    }
}

fn value<'v>(view: View<'v>) -> Result<Box<dyn Val + 'v>, ExecutionError> {
    Ok(match view {
        View::Null => Box::new(CelNull),
        View::Bool(truth) => Box::new(CelBool::from(truth)),
        View::Integer(number) => Box::new(CelInt::from(number)),
        View::Text(text) if text.len() > TEXT_BYTES => {
            return Err(ExecutionError::function_error("JSON", "a text is too long"));
        }
        View::Text(text) => Box::new(CelString::from(text)),
        View::List(items) => {
            let items: Result<Vec<_>, _> = items.into_iter().map(value).collect();
            Box::new(CelList::from(items?))
        }
        View::Map(map) => Box::new(MapVal(map)),
    })
}
