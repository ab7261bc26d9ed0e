//! In-tree plugins.
