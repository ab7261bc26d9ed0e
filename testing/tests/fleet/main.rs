//! A fleet of bound volumes, and what is noticed when one is damaged.

mod damage;
