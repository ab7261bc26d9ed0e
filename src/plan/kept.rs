//! Volumes that need not be listed once more to be told of, where there are few of them.

/// How much is kept, bytes of JSON.
const MOST: usize = 4 << 20;

/// The volumes of a first pass that are to be told of, unless they are too many.
#[derive(Debug)]
pub struct Kept {
    /// JSON, each; `None`: not all are here.
    texts: Option<Vec<Box<str>>>,
    size: usize,
}

impl Kept {
    /// `is_worth_it`: whether any are to be kept at all.
    pub fn new(is_worth_it: bool) -> Self {
        Self {
            texts: is_worth_it.then(Vec::new),
            size: 0,
        }
    }

    /// Keeps one.
    pub fn add(&mut self, json: &str) {
        self.size += json.len();
        if self.size > MOST {
            self.texts = None;
        }
        if let Some(texts) = &mut self.texts {
            texts.push(json.into());
        }
    }

    /// All of them, in their order, if they are all here.
    pub fn all(self) -> Option<Vec<Box<str>>> {
        self.texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_kept_in_order_and_of_many_none() {
        let mut kept = Kept::new(true);
        kept.add("a");
        kept.add("b");
        assert_eq!(kept.all().unwrap(), ["a".into(), "b".into()]);
        let mut many = Kept::new(true);
        let large = "x".repeat(MOST / 4);
        for _ in 0..4 {
            many.add(&large);
        }
        assert_eq!(many.texts.as_ref().unwrap().len(), 4);
        many.add("a");
        // Nor is what comes after that.
        many.add("b");
        assert!(many.all().is_none());
        let mut none = Kept::new(false);
        none.add("a");
        assert!(none.all().is_none());
    }
}
