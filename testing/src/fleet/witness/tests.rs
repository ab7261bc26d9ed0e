//! Its judgement.
